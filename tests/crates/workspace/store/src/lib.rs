//! Sheets in stock.

use shapes::Rectangle;

/// The sheets at hand, in the order in which they came.
#[derive(Debug, Default)]
pub struct Stock {
    sheets: Vec<Rectangle>,
}

impl Stock {
    /// Puts a sheet to the others.
    pub fn push(&mut self, sheet: Rectangle) {
        self.sheets.push(sheet);
    }

    /// How many sheets are at hand.
    pub fn len(&self) -> usize {
        todo!()
    }

    /// Whether no sheet is at hand.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Takes out the smallest sheet that `part` can be cut from; the oldest of several alike.
    pub fn take_for(&mut self, part: &Rectangle) -> Option<Rectangle> {
        todo!()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stock(sides: &[(u32, u32)]) -> Stock {
        let mut stock = Stock::default();
        for &(width, height) in sides {
            stock.push(Rectangle::new(width, height));
        }
        stock
    }

    #[test]
    fn sheets_are_counted() {
        assert!(stock(&[]).is_empty());
        assert_eq!(stock(&[(1, 2), (3, 4)]).len(), 2);
    }

    #[test]
    fn the_smallest_sheet_that_fits_is_taken() {
        let mut stock = stock(&[(90, 90), (10, 10), (20, 40), (40, 20)]);
        let part = Rectangle::new(30, 15);
        assert_eq!(stock.take_for(&part), Some(Rectangle::new(20, 40)));
        assert_eq!(stock.take_for(&part), Some(Rectangle::new(40, 20)));
        assert_eq!(stock.take_for(&part), Some(Rectangle::new(90, 90)));
        assert_eq!(stock.take_for(&part), None);
        assert_eq!(stock.len(), 1);
    }
}
