//! A shelf of books.

/// A book and how far it has been read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Book {
    title: String,
    pages: u32,
    read: u32,
}

impl Book {
    /// A book that nobody has opened yet.
    pub fn new(title: String, pages: u32) -> Self {
        todo!("start at the first page")
    }

    /// What stands on its spine.
    pub fn title(&self) -> &str {
        todo!()
    }

    /// How many pages it has.
    pub fn pages(&self) -> u32 {
        todo!()
    }

    /// How many pages have been read.
    pub fn read(&self) -> u32 {
        self.read
    }

    /// The same book, opened at another page.
    pub fn with_read(mut self, read: u32) -> Self {
        todo!()
    }
}

/// Books in the order in which they were put there.
#[derive(Debug)]
pub struct Shelf {
    books: Vec<Book>,
}

impl Default for Shelf {
    fn default() -> Self {
        todo!()
    }
}

impl Shelf {
    /// Put a book at the end.
    pub fn push(&mut self, book: Book) {
        todo!()
    }

    /// How many books there are.
    pub fn len(&self) -> usize {
        todo!()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        todo!()
    }

    /// The books, first to last.
    pub fn iter(&self) -> std::slice::Iter<'_, Book> {
        todo!()
    }

    /// The pages that are left to read on the whole shelf.
    pub fn pages_left(&self) -> u32 {
        todo!("what is left of every book, added up")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shelf_is_filled_and_counted() {
        let mut shelf = Shelf::default();
        assert!(shelf.is_empty());
        shelf.push(Book::new("Die Verwandlung".to_string(), 70));
        shelf.push(Book::new("Stiller".to_string(), 438).with_read(38));
        assert_eq!(shelf.len(), 2);
        let titles: Vec<&str> = shelf.iter().map(Book::title).collect();
        assert_eq!(titles, ["Die Verwandlung", "Stiller"]);
        assert_eq!(shelf.iter().map(Book::pages).sum::<u32>(), 508);
        assert_eq!(shelf.iter().map(Book::read).sum::<u32>(), 38);
    }
}
