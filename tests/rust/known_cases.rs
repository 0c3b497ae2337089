// Every hole stands alone in its body; what follows `//=` on the line is the first candidate, in one line.
#![allow(dead_code, unused_variables, clippy::all)]

pub mod fields {
    use std::collections::{BTreeMap, HashMap};
    use std::marker::PhantomData;
    use std::path::{Path, PathBuf};
    use std::sync::{Arc, Mutex};

    #[derive(Debug, Clone, Copy, PartialEq)]
    pub enum Mode { Fast, Slow }

    #[derive(Default)]
    pub struct Options { verbose: bool, jobs: usize }

    impl Options {
        pub fn new() -> Self { todo!() } //= Self::default()
        pub fn verbose(mut self, verbose: bool) -> Self { todo!() } //= self.verbose = verbose; self
        pub fn with_jobs(self, jobs: usize) -> Self { todo!("n") } //= Self { jobs, ..self }
    }

    pub struct User {
        name: String,
        email: Option<String>,
        tags: Vec<String>,
        root: PathBuf,
        mode: Mode,
        is_admin: bool,
        active: bool,
        options: Options,
        shared: Arc<Mutex<Vec<u8>>>,
        by_key: HashMap<String, std::collections::BTreeMap<u8, u8>>,
        score: f64,
        count: u32,
        hook: Box<dyn Fn(u8) -> u8 + Send>,
        point: (i32, i32),
    }

    impl User {
        /// Makes one.
        pub fn new(name: impl Into<String>, root: &Path, mode: Mode, hook: impl Fn(u8) -> u8 + Send + 'static) -> Self { todo!() } //= Self { name: name.into(), email: None, tags: Vec::new(), root: root.to_path_buf(), mode, is_admin: false, active: false, options: Options::default(), shared: Arc::new(Mutex::new(Vec::new())), by_key: HashMap::new(), score: 0.0, count: 0, hook: Box::new(hook), point: (0, 0), }
        pub fn name(&self) -> &str { todo!() } //= &self.name
        pub fn get_email(&self) -> Option<&str> { todo!() } //= self.email.as_deref()
        pub fn email(&self) -> Option<&String> { todo!() } //= self.email.as_ref()
        pub fn email_mut(&mut self) -> Option<&mut String> { todo!() } //= self.email.as_mut()
        pub fn has_email(&self) -> bool { todo!() } //= self.email.is_some()
        pub fn take_email(&mut self) -> Option<String> { todo!() } //= self.email.take()
        pub fn clear_email(&mut self) { todo!() } //= self.email = None;
        pub fn set_email(&mut self, email: String) -> &mut Self { todo!() } //= self.email = Some(email); self
        pub fn tags(&self) -> &[String] { todo!() } //= &self.tags
        pub fn tags_mut(&mut self) -> &mut Vec<String> { todo!() } //= &mut self.tags
        pub fn into_tags(self) -> Vec<String> { todo!() } //= self.tags
        pub fn take_tags(&mut self) -> Vec<String> { todo!() } //= std::mem::take(&mut self.tags)
        pub fn add_tag(&mut self, tag: impl Into<String>) -> &mut Self { todo!() } //= self.tags.push(tag.into()); self
        pub fn tag(mut self, tag: &str) -> Self { todo!() } //= self.tags.push(tag.to_string()); self
        pub fn root(&self) -> &Path { todo!() } //= &self.root
        pub fn set_root<P: AsRef<Path>>(&mut self, root: P) { todo!(); } //= self.root = root.as_ref().to_path_buf();
        pub fn mode(&self) -> Mode { todo!() } //= self.mode
        pub fn replace_mode(&mut self, mode: Mode) -> Mode { todo!() } //= std::mem::replace(&mut self.mode, mode)
        pub fn is_admin(&self) -> bool { todo!() } //= self.is_admin
        pub fn set_admin(&mut self, admin: bool) { todo!() } //= self.is_admin = admin;
        pub fn is_active(&self) -> bool { todo!() } //= self.active
        pub fn active(mut self) -> Self { todo!() } //= self.active = true; self
        pub fn options(&self) -> &Options { todo!() } //= &self.options
        pub fn shared(&self) -> Arc<Mutex<Vec<u8>>> { todo!() } //= self.shared.clone()
        pub fn score(&self) -> f64 { todo!() } //= self.score
        pub const fn count(&self) -> u32 { todo!() } //= self.count
        pub fn with_count(mut self, count: u32) -> Self { todo!() } //= self.count = count; self
        pub fn hook(&self) -> &(dyn Fn(u8) -> u8 + Send) { todo!() } //= &*self.hook
        pub fn point(&self) -> (i32, i32) { todo!() } //= self.point
        pub fn with_mode(self, mode: Mode) -> Self { todo!() } //= Self { mode, ..self }
    }

    pub struct Lexer<'a> { input: &'a str, position: usize, seen: Vec<&'a str> }

    impl<'a> Lexer<'a> {
        pub fn new(source: &'a str) -> Self { todo!() } //= Self { input: source, position: 0, seen: Vec::new(), }
        pub fn input(&self) -> &'a str { todo!() } //= self.input
        pub fn with_capacity(input: &'a str, capacity: usize) -> Lexer<'a> { todo!() } //= Self { input, position: 0, seen: Vec::with_capacity(capacity), }
    }

    pub struct Id<T> { raw: u64, of: PhantomData<T> }

    impl<T> Id<T> {
        pub fn from_parts(raw: u64) -> Self { todo!() } //= Self { raw, of: PhantomData, }
        pub fn shared(raw: u64) -> Arc<Self> { Arc::new(Self::from_parts(raw)) }
        pub fn new_shared(raw: u64) -> Arc<Self> { todo!() } //= Arc::new(Self { raw, of: PhantomData, })
        pub fn get(&self) -> u64 { todo!() } //= self.raw
    }

    impl<T> Clone for Id<T> {
        fn clone(&self) -> Self { todo!() } //= Self { raw: self.raw, of: self.of, }
    }

    pub struct Grid<T, const N: usize> { cells: [T; N], width: usize, index: BTreeMap<String, usize> }

    impl<T: Default + Copy, const N: usize> Grid<T, N> {
        pub fn cells(&self) -> &[T] { todo!() } //= &self.cells
    }

    impl<const N: usize> Default for Grid<u8, N> {
        fn default() -> Self { todo!() } //= Self { cells: [0; N], width: 0, index: BTreeMap::new(), }
    }

    pub struct Counter { value: u32 }

    impl Counter {
        pub fn new() -> Self { Counter { value: 1 } }
    }

    impl Default for Counter {
        fn default() -> Self { todo!() } //= Self::new()
    }
}

pub mod collections {
    use std::collections::{BTreeSet, HashMap, HashSet, VecDeque};

    pub struct Stack<T> { items: Vec<T> }

    impl<T> Stack<T> {
        pub const fn new() -> Self { todo!() } //= Self { items: Vec::new() }
        pub fn with_capacity(capacity: usize) -> Self { todo!() } //= Self { items: Vec::with_capacity(capacity), }
        pub fn push(&mut self, item: T) { todo!() } //= self.items.push(item);
        pub fn pop(&mut self) -> Option<T> { todo!() } //= self.items.pop()
        pub fn peek(&self) -> Option<&T> { todo!() } //= self.items.last()
        pub fn len(&self) -> usize { todo!() } //= self.items.len()
        pub fn is_empty(&self) -> bool { todo!() } //= self.items.is_empty()
        pub fn clear(&mut self) { todo!() } //= self.items.clear();
        pub fn get(&self, index: usize) -> Option<&T> { todo!() } //= self.items.get(index)
        pub fn get_mut(&mut self, index: usize) -> Option<&mut T> { todo!() } //= self.items.get_mut(index)
        pub fn iter(&self) -> std::slice::Iter<'_, T> { todo!() } //= self.items.iter()
        pub fn iter_mut(&mut self) -> impl Iterator<Item = &mut T> + '_ { todo!() } //= self.items.iter_mut()
        pub fn contains(&self, item: &T) -> bool where T: PartialEq { todo!() } //= self.items.contains(item)
        pub fn has(&self, item: T) -> bool where T: PartialEq { self.items.contains(&item) }
        pub fn capacity(&self) -> usize { todo!() } //= self.items.capacity()
        pub fn reserve(&mut self, additional: usize) { todo!() } //= self.items.reserve(additional);
        pub fn extend<I: IntoIterator<Item = T>>(&mut self, items: I) { todo!() } //= self.items.extend(items);
        pub fn append(&mut self, other: &mut Self) { todo!() } //= self.items.append(&mut other.items);
        pub fn first(&self) -> Option<T> where T: Clone { todo!() } //= self.items.first().cloned()
        pub fn into_vec(self) -> Vec<T> { todo!() } //= self.items
        pub fn as_slice(&self) -> &[T] { todo!() } //= &self.items
        pub fn retain<F: FnMut(&T) -> bool>(&mut self, keep: F) { todo!() } //= self.items.retain(keep);
    }

    impl<T> IntoIterator for Stack<T> {
        type Item = T;
        type IntoIter = std::vec::IntoIter<T>;
        fn into_iter(self) -> Self::IntoIter { todo!() } //= self.items.into_iter()
    }

    impl<'a, T> IntoIterator for &'a Stack<T> {
        type Item = &'a T;
        type IntoIter = std::slice::Iter<'a, T>;
        fn into_iter(self) -> Self::IntoIter { todo!() } //= self.items.iter()
    }

    impl<T> std::ops::Index<usize> for Stack<T> {
        type Output = T;
        fn index(&self, index: usize) -> &Self::Output { todo!() } //= &self.items[index]
    }

    impl<T> std::ops::IndexMut<usize> for Stack<T> {
        fn index_mut(&mut self, index: usize) -> &mut Self::Output { todo!() } //= &mut self.items[index]
    }

    #[derive(Default)]
    pub struct JobQueue { name: String, jobs: VecDeque<u32> }

    impl JobQueue {
        pub fn enqueue(&mut self, job: u32) { todo!() } //= self.jobs.push_back(job);
        pub fn dequeue(&mut self) -> Option<u32> { todo!() } //= self.jobs.pop_front()
        pub fn peek(&self) -> Option<u32> { todo!() } //= self.jobs.front().copied()
        pub fn len(&self) -> usize { todo!() } //= self.jobs.len()
        pub fn name(&self) -> &str { todo!() } //= &self.name
    }

    pub struct Registry { entries: HashMap<String, Vec<u8>>, title: String }

    impl Registry {
        pub fn new() -> Self { todo!() } //= Self { entries: HashMap::new(), title: String::new(), }
        pub fn get(&self, key: &str) -> Option<&Vec<u8>> { todo!() } //= self.entries.get(key)
        pub fn contains_key(&self, key: &str) -> bool { todo!() } //= self.entries.contains_key(key)
        pub fn insert(&mut self, key: impl Into<String>, value: Vec<u8>) -> Option<Vec<u8>> { todo!() } //= self.entries.insert(key.into(), value)
        pub fn remove(&mut self, key: &str) -> Option<Vec<u8>> { todo!() } //= self.entries.remove(key)
        pub fn keys(&self) -> impl Iterator<Item = &String> { todo!() } //= self.entries.keys()
        pub fn iter(&self) -> impl Iterator<Item = (&String, &Vec<u8>)> { todo!() } //= self.entries.iter()
        pub fn with_entry(mut self, key: &str, value: Vec<u8>) -> Self { self.entries.insert(key.to_string(), value); self }
        pub fn entry(mut self, key: &str, value: Vec<u8>) -> Self { todo!() } //= self.entries.insert(key.to_string(), value); self
        pub fn title(&self) -> String { todo!() } //= self.title.clone()
    }

    pub struct Names(BTreeSet<String>);

    impl Names {
        pub fn insert(&mut self, name: String) -> bool { todo!() } //= self.0.insert(name)
        pub fn contains(&self, name: &str) -> bool { todo!() } //= self.0.contains(name)
        pub fn first(&self) -> Option<&str> { todo!() } //= self.0.first().map(String::as_str)
        pub fn inner(&self) -> &BTreeSet<String> { todo!() } //= &self.0
        pub fn into_inner(self) -> BTreeSet<String> { todo!() } //= self.0
    }

    pub struct Seen { ids: HashSet<u64> }

    impl Seen {
        pub fn contains(&self, id: u64) -> bool { todo!() } //= self.ids.contains(&id)
        pub fn insert(&mut self, id: u64) { todo!() } //= self.ids.insert(id);
    }

    pub trait Sized2 {
        fn len(&self) -> usize;
        fn is_empty(&self) -> bool { todo!() } //= self.len() == 0
    }
}

pub mod traits {
    use std::borrow::Borrow;
    use std::cmp::Ordering;
    use std::fmt::{self, Display};
    use std::hash::{Hash, Hasher};
    use std::io;
    use std::ops::{Deref, DerefMut};
    use std::str::FromStr;

    pub struct Name(String);

    impl Name {
        pub fn new(name: &str) -> Self { todo!() } //= Self(name.to_string())
        pub fn as_str(&self) -> &str { todo!() } //= &self.0
        pub fn into_string(self) -> String { todo!() } //= self.0
    }
    impl Deref for Name {
        type Target = str;
        fn deref(&self) -> &Self::Target { todo!() } //= &self.0
    }
    impl DerefMut for Name {
        fn deref_mut(&mut self) -> &mut Self::Target { todo!() } //= &mut self.0
    }
    impl AsRef<str> for Name {
        fn as_ref(&self) -> &str { todo!() } //= &self.0
    }
    impl Borrow<str> for Name {
        fn borrow(&self) -> &str { todo!() } //= &self.0
    }
    impl From<String> for Name {
        fn from(name: String) -> Self { todo!() } //= Self(name)
    }
    impl From<&str> for Name {
        fn from(name: &str) -> Self { todo!() } //= Self(name.to_string())
    }
    impl From<Name> for String {
        fn from(name: Name) -> String { todo!() } //= name.0
    }
    impl fmt::Display for Name {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result { todo!() } //= fmt::Display::fmt(&self.0, f)
    }
    impl FromStr for Name {
        type Err = std::convert::Infallible;
        fn from_str(text: &str) -> Result<Self, Self::Err> { todo!() } //= Ok(Self(text.to_string()))
    }
    impl PartialEq for Name {
        fn eq(&self, other: &Self) -> bool { todo!() } //= self.0 == other.0
    }
    impl Eq for Name {}
    impl PartialEq<str> for Name {
        fn eq(&self, other: &str) -> bool { todo!() } //= self.0 == *other
    }
    impl PartialOrd for Name {
        fn partial_cmp(&self, other: &Self) -> Option<Ordering> { todo!() } //= Some(self.cmp(other))
    }
    impl Ord for Name {
        fn cmp(&self, other: &Self) -> Ordering { todo!() } //= self.0.cmp(&other.0)
    }
    impl Hash for Name {
        fn hash<H: Hasher>(&self, state: &mut H) { todo!() } //= self.0.hash(state);
    }

    pub struct Port { number: u16 }

    impl FromStr for Port {
        type Err = std::num::ParseIntError;
        fn from_str(s: &str) -> Result<Port, Self::Err> { todo!() } //= s.parse().map(|value| Self { number: value })
    }
    #[derive(PartialEq, PartialOrd)]
    pub struct Weight(f64);

    impl Eq for Weight {}
    impl Ord for Weight {
        fn cmp(&self, other: &Self) -> Ordering { todo!() } //= self.0.total_cmp(&other.0)
    }
    impl fmt::LowerHex for Port {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result { todo!() } //= fmt::LowerHex::fmt(&self.number, f)
    }

    pub struct Words(Vec<String>);

    impl FromIterator<String> for Words {
        fn from_iter<I: IntoIterator<Item = String>>(iter: I) -> Self { todo!() } //= Self(iter.into_iter().collect())
    }
    impl Extend<String> for Words {
        fn extend<I: IntoIterator<Item = String>>(&mut self, iter: I) { todo!() } //= self.0.extend(iter);
    }

    impl Display for Port {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result { todo!() } //= Display::fmt(&self.number, f)
    }

    #[derive(Debug)]
    pub enum Failure { Io(io::Error), Format(fmt::Error), Text { why: String }, Other(Box<dyn std::error::Error>) }

    impl From<io::Error> for Failure {
        fn from(error: io::Error) -> Self { todo!() } //= Self::Io(error)
    }
    impl From<fmt::Error> for Failure {
        fn from(error: fmt::Error) -> Self { todo!() } //= Self::Format(error)
    }
    impl From<String> for Failure {
        fn from(why: String) -> Self { todo!() } //= Self::Text { why }
    }

    pub struct CountedIter<R> { inner: R }

    impl<I: Iterator> Iterator for CountedIter<I> {
        type Item = I::Item;
        fn next(&mut self) -> Option<Self::Item> { todo!() } //= self.inner.next()
        fn size_hint(&self) -> (usize, Option<usize>) { todo!() } //= self.inner.size_hint()
    }

    pub struct TextIter<'a>(std::str::Chars<'a>);

    impl<'a> Iterator for TextIter<'a> {
        type Item = char;
        fn next(&mut self) -> Option<char> { todo!() } //= self.0.next()
    }

    pub trait Area {
        fn area(&self) -> f64;
        fn scale(&mut self, by: f64);
    }
    impl<T: Area + ?Sized> Area for Box<T> {
        fn area(&self) -> f64 { todo!() } //= (**self).area()
        fn scale(&mut self, by: f64) { todo!() } //= (**self).scale(by)
    }
}

pub mod operators {
    use std::iter::Sum;
    use std::ops::{Add, AddAssign, Div, Mul, Neg, Sub};

    #[derive(Clone, Copy)]
    pub struct Metres(f64);

    impl Add for Metres {
        type Output = Self;
        fn add(self, other: Self) -> Self::Output { todo!() } //= Self(self.0 + other.0)
    }
    impl AddAssign for Metres {
        fn add_assign(&mut self, other: Self) { todo!() } //= self.0 += other.0;
    }
    impl Mul<f64> for Metres {
        type Output = Metres;
        fn mul(self, factor: f64) -> Metres { todo!() } //= Self(self.0 * factor)
    }
    impl Div for Metres {
        type Output = f64;
        fn div(self, other: Metres) -> f64 { todo!() } //= self.0 / other.0
    }
    impl Neg for Metres {
        type Output = Self;
        fn neg(self) -> Self { todo!() } //= Self(-self.0)
    }
    impl Sum for Metres {
        fn sum<I: Iterator<Item = Self>>(iter: I) -> Self { todo!() } //= Self(iter.map(|one| one.0).sum())
    }

    #[derive(Clone, Copy)]
    pub struct Vector<T> { x: T, y: T }

    impl<T: Sub<Output = T>> Sub for Vector<T> {
        type Output = Vector<T>;
        fn sub(self, other: Self) -> Self::Output { todo!() } //= Self { x: self.x - other.x, y: self.y - other.y, }
    }
    impl From<(f64, f64)> for Vector<f64> {
        fn from(pair: (f64, f64)) -> Self { todo!() } //= Self { x: pair.0, y: pair.1, }
    }
}

pub mod enums {
    #[derive(Clone, Copy)]
    pub enum Level { Low, HighUp }

    impl Level {
        pub const ALL: [Self; 2] = todo!(); //= [Self::Low, Self::HighUp]
        pub fn is_high_up(self) -> bool { todo!() } //= matches!(self, Self::HighUp)
    }

    pub enum Value { Null, Number(i64), Text(String), List(Vec<Value>), Pair(u8, String), Named { key: String } }

    impl Value {
        pub fn is_null(&self) -> bool { todo!() } //= matches!(self, Self::Null)
        pub fn is_text(&self) -> bool { todo!() } //= matches!(self, Self::Text(..))
        pub fn is_named(&self) -> bool { todo!() } //= matches!(self, Self::Named { .. })
        pub fn as_number(&self) -> Option<i64> { todo!() } //= match self { Self::Number(value) => Some(*value), _ => None, }
        pub fn as_text(&self) -> Option<&str> { todo!() } //= match self { Self::Text(value) => Some(value), _ => None, }
        pub fn as_list(&self) -> Option<&[Value]> { todo!() } //= match self { Self::List(value) => Some(value), _ => None, }
        pub fn as_list_mut(&mut self) -> Option<&mut Vec<Value>> { todo!() } //= match self { Self::List(value) => Some(value), _ => None, }
        pub fn as_named(&self) -> Option<&String> { todo!() } //= match self { Self::Named { key } => Some(key), _ => None, }
        pub fn as_pair(&self) -> Option<(u8, &str)> { todo!() } //= match self { Self::Pair(a, b) => Some((*a, b)), _ => None, }
        pub fn into_text(self) -> Result<String, Self> { todo!() } //= match self { Self::Text(value) => Ok(value), other => Err(other), }
        pub fn into_list(self) -> Option<Vec<Value>> { todo!() } //= match self { Self::List(value) => Some(value), _ => None, }
    }
}
