//! Makes a table of `colors.txt`.

use std::path::Path;
use std::{env, fs};

fn main() {
    println!("cargo:rerun-if-changed=colors.txt");
    println!("cargo:rustc-check-cfg=cfg(colourful)");
    let mut table = String::from("pub static COLORS: &[(&str, Color)] = &[\n");
    for line in fs::read_to_string("colors.txt").expect("colors.txt is there").lines() {
        let (name, color) = line.split_once(" #").expect("a name and a colour");
        let parts: Vec<u8> = (0..3)
            .map(|at| u8::from_str_radix(&color[2 * at..2 * at + 2], 16).expect("two digits"))
            .collect();
        table += &format!("    ({name:?}, Color({}, {}, {})),\n", parts[0], parts[1], parts[2]);
    }
    table += "];\n";
    let folder = env::var_os("OUT_DIR").expect("cargo names a folder");
    fs::write(Path::new(&folder).join("colors.rs"), table).expect("it can be written");
}
