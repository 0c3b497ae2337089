//! Prints which sheet each part is cut from.

use shapes::Rectangle;
use store::Stock;

/// One line a part, such as "30x15: from 20x40", or "30x15: nothing fits".
fn plan(stock: &mut Stock, parts: &[Rectangle]) -> Vec<String> {
    todo!()
}

fn main() {
    let mut stock = Stock::default();
    stock.push(Rectangle::new(20, 40));
    for line in plan(&mut stock, &[Rectangle::new(30, 15), Rectangle::new(1, 1)]) {
        println!("{line}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_part_has_its_line() {
        let mut stock = Stock::default();
        stock.push(Rectangle::new(20, 40));
        let parts = [Rectangle::new(30, 15), Rectangle::new(1, 1)];
        assert_eq!(
            plan(&mut stock, &parts),
            ["30x15: from 20x40", "1x1: nothing fits"]
        );
    }
}
