//! Values that are kept together and named by their place.

use std::marker::PhantomData;

/// The place of a `T`.
#[derive(Debug)]
pub struct Place<T>(usize, PhantomData<fn() -> T>);

impl<T> Clone for Place<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Place<T> {}

/// Values of one type.
#[derive(Debug)]
pub struct Arena<T> {
    values: Vec<T>,
}

impl<T> Default for Arena<T> {
    fn default() -> Self {
        Arena { values: Vec::new() }
    }
}

impl<T> Arena<T> {
    /// Keeps a value; gives its place.
    pub fn keep(&mut self, value: T) -> Place<T> {
        todo!()
    }

    /// The value at a place.
    pub fn at(&self, place: Place<T>) -> Option<&T> {
        todo!()
    }

    /// Both values, to be changed; None where the places are one, or not there.
    pub fn both(&mut self, one: Place<T>, two: Place<T>) -> Option<(&mut T, &mut T)> {
        todo!()
    }

    /// How many values there are.
    #[cfg(feature = "counting")]
    pub fn count(&self) -> usize {
        todo!()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_is_found() {
        let mut arena = Arena::default();
        let first = arena.keep("one");
        let second = arena.keep("two");
        assert_eq!((arena.at(first), arena.at(second)), (Some(&"one"), Some(&"two")));
        assert_eq!(Arena::default().at(first), None);
    }

    #[test]
    fn two_are_changed_at_once() {
        let mut arena = Arena::default();
        let (first, second) = (arena.keep(1), arena.keep(2));
        let (one, two) = arena.both(second, first).unwrap();
        std::mem::swap(one, two);
        assert_eq!((arena.at(first), arena.at(second)), (Some(&2), Some(&1)));
        assert!(arena.both(first, first).is_none());
    }

    #[cfg(feature = "counting")]
    #[test]
    fn values_are_counted() {
        let mut arena = Arena::default();
        arena.keep(1);
        assert_eq!(arena.count(), 1);
    }
}
