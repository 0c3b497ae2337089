//! Sequences behind one trait with associated types.

use std::fmt::{self, Display};

/// Something that holds items in an order.
pub trait Sequence {
    /// What it holds.
    type Item;

    /// The iterator over references to the items.
    type Iter<'a>: Iterator<Item = &'a Self::Item>
    where
        Self: 'a;

    /// How many items there are at most.
    const CAPACITY: usize;

    /// The items from the first to the last.
    fn items(&self) -> Self::Iter<'_>;

    /// How many items there are.
    fn len(&self) -> usize {
        self.items().count()
    }

    /// Whether there are none.
    fn is_empty(&self) -> bool {
        todo!()
    }
}

/// A stack of at most `N` items.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stack<T, const N: usize> {
    items: Vec<T>,
}

impl<T, const N: usize> Default for Stack<T, N> {
    fn default() -> Self {
        todo!()
    }
}

impl<T, const N: usize> Stack<T, N> {
    /// Puts an item on top, or gives it back when the stack is full.
    pub fn push(&mut self, item: T) -> Result<(), T> {
        todo!()
    }
}

impl<T, const N: usize> Sequence for Stack<T, N> {
    type Item = T;
    type Iter<'a>
        = std::slice::Iter<'a, T>
    where
        T: 'a;
    const CAPACITY: usize = N;

    fn items(&self) -> Self::Iter<'_> {
        self.items.iter()
    }
}

/// The largest item; the first of several alike, `None` when there is none or when two cannot be compared.
pub fn largest<S>(sequence: &S) -> Option<&S::Item>
where
    S: Sequence,
    S::Item: PartialOrd,
{
    todo!()
}

/// Shows the items of a sequence with commas between them: `[1, 2]`.
pub struct Listed<'s, S>(pub &'s S);

impl<S> Display for Listed<'_, S>
where
    S: Sequence,
    S::Item: Display,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        todo!()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stack<const N: usize>(items: [f64; N]) -> Stack<f64, 3> {
        let mut stack = Stack::default();
        for item in items {
            stack.push(item).unwrap();
        }
        stack
    }

    #[test]
    fn a_new_stack_is_empty() {
        assert!(Stack::<String, 2>::default().is_empty());
        assert!(!stack([1.0]).is_empty());
    }

    #[test]
    fn a_full_stack_gives_the_item_back() {
        let mut stack = stack([1.0, 2.0, 3.0]);
        assert_eq!(stack.push(4.0), Err(4.0));
        assert_eq!(stack.len(), <Stack<f64, 3> as Sequence>::CAPACITY);
    }

    #[test]
    fn the_first_of_the_largest_is_found() {
        let stack = stack([1.0, 3.0, 3.0]);
        assert!(std::ptr::eq(
            largest(&stack).unwrap(),
            stack.items().nth(1).unwrap()
        ));
        assert_eq!(largest(&Stack::<u8, 1>::default()), None);
    }

    #[test]
    fn what_cannot_be_compared_has_no_largest() {
        assert_eq!(largest(&stack([1.0, f64::NAN])), None);
    }

    #[test]
    fn items_are_listed() {
        assert_eq!(Listed(&stack([1.5, 2.0])).to_string(), "[1.5, 2]");
        assert_eq!(Listed(&stack([])).to_string(), "[]");
    }
}
