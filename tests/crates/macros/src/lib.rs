//! Lengths, made by a macro, and a macro for lists of them.

/// A length that knows its metres.
pub trait Length {
    /// The length in metres.
    fn metres(&self) -> f64;
}

macro_rules! units {
    ($($(#[$attribute:meta])* $name:ident = $factor:expr, $symbol:literal;)*) => {
        $(
            $(#[$attribute])*
            #[derive(Debug, Clone, Copy, PartialEq)]
            pub struct $name(pub f64);

            impl Length for $name {
                fn metres(&self) -> f64 {
                    self.0 * $factor
                }
            }

            impl std::fmt::Display for $name {
                fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                    write!(f, concat!("{} ", $symbol), self.0)
                }
            }
        )*
    };
}

units! {
    /// The unit of the others.
    Metre = 1.0, "m";
    /// A thousand metres.
    Kilometre = 1000.0, "km";
}

/// A `Vec<Box<dyn Length>>` of lengths of any unit.
#[macro_export]
macro_rules! lengths {
    ($($length:expr),* $(,)?) => {
        vec![$(Box::new($length) as Box<dyn $crate::Length>),*]
    };
}

/// A way in parts.
pub struct Route {
    name: String,
    parts: Vec<Box<dyn Length>>,
}

impl Route {
    /// A way of these parts.
    pub fn new(name: impl Into<String>, parts: Vec<Box<dyn Length>>) -> Self {
        todo!()
    }

    /// What the way is called.
    pub fn name(&self) -> &str {
        todo!()
    }

    /// The length of all parts together, in metres.
    pub fn metres(&self) -> f64 {
        todo!("add up {} parts", self.parts.len())
    }
}

/// A marathon: 42 kilometres and 195 metres.
pub fn marathon() -> Route {
    Route::new(
        "marathon",
        lengths![Kilometre(42.0), Metre(todo!("the rest"))],
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_are_shown() {
        assert_eq!(format!("{} {}", Metre(2.0), Kilometre(1.5)), "2 m 1.5 km");
    }

    #[test]
    fn the_parts_are_added_up() {
        let route = Route::new(String::from("home"), lengths![Kilometre(1.5), Metre(2.0)]);
        assert_eq!(route.name(), "home");
        assert_eq!(route.metres(), 1502.0);
        assert_eq!(Route::new("none", lengths![]).metres(), 0.0);
    }

    #[test]
    fn a_marathon_has_its_length() {
        assert_eq!(marathon().name(), "marathon");
        assert_eq!(marathon().metres(), 42_195.0);
    }
}
