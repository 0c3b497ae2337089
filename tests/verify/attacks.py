"""Hostile bodies of `fn f() -> u8`: each gives 1 when it was kept in, and panics when it got through.

What they call stands in `LIBRARY`; `@name@` in a body is a path or a number of the scene that it attacks.
"""

from __future__ import annotations

from dataclasses import dataclass

LIBRARY = r"""
pub fn f() -> u8 { 1 }
#[cfg(test)]
mod tests { #[test] fn one() { assert_eq!(super::f(), 1); } }
#[allow(dead_code)]
extern "C" {
    fn fork() -> i32;
    fn setsid() -> i32;
    fn kill(pid: i32, signal: i32) -> i32;
    fn getppid() -> i32;
    fn mkfifo(path: *const u8, mode: u32) -> i32;
    fn mount(what: *const u8, place: *const u8, kind: *const u8, flags: u64, data: *const u8) -> i32;
    fn posix_fallocate(file: i32, start: i64, length: i64) -> i32;
}
"""


@dataclass(frozen=True)
class Attack:
    """`says` is what the verdict says of it, None when it ends by itself and the test passes."""

    name: str
    body: str
    says: str | None = None


READS = r"""{
    for place in ["@home@/.ssh/id", "@home@/.cargo/credentials.toml", "@home@/notes", "@home@/.config/key"] {
        assert!(std::fs::read(place).is_err(), "{place}");
    }
    for (name, value) in std::env::vars() { assert!(!value.contains("@secret@"), "{name}"); }
    for entry in std::fs::read_dir("/proc").unwrap().flatten() {
        for file in ["environ", "cmdline", "root/@home@/notes"] {
            let told = std::fs::read(entry.path().join(file)).unwrap_or_default();
            assert!(!String::from_utf8_lossy(&told).contains("@secret@"), "{:?}", entry.path());
        }
    }
    assert!(std::os::unix::net::UnixStream::connect("@agent@").is_err());
    1
}"""

WRITES = r"""{
    use std::io::Write;
    // As root with its capabilities, the system could be made writable first.
    for place in ["/\0", "/usr\0", "/etc\0", "@root@\0"] {
        unsafe { mount(b"none\0".as_ptr(), place.as_ptr(), b"none\0".as_ptr(), 0x1020, std::ptr::null()) };
    }
    for place in ["@home@/notes", "@home@/.bashrc", "@root@/src/lib.rs", "@root@/target/debug/x", "@cache@/checked",
                  "/etc/@secret@", "/usr/@secret@", "/tmp/@secret@", "/dev/shm/@secret@", "/var/tmp/@secret@"] {
        if let Ok(mut file) = std::fs::OpenOptions::new().append(true).create(true).open(place) {
            let _ = file.write_all(b"changed");
        }
        let _ = std::fs::remove_file("@root@/Cargo.toml");
    }
    // Root owns these, with capabilities or without.
    for place in ["/proc/sys/kernel/core_pattern", "/proc/sys/vm/drop_caches", "/sys/fs/cgroup/cgroup.procs"] {
        assert!(std::fs::OpenOptions::new().write(true).open(place).is_err(), "{place}");
    }
    1
}"""

CONNECTS = r"""{
    use std::net::{TcpStream, UdpSocket};
    use std::os::linux::net::SocketAddrExt;
    use std::os::unix::net::{SocketAddr, UnixStream};
    assert!(TcpStream::connect(("127.0.0.1", @tcp@)).is_err());
    if let Ok(socket) = UdpSocket::bind("127.0.0.1:0") { let _ = socket.send_to(b"out", ("127.0.0.1", @udp@)); }
    if let Ok(socket) = UdpSocket::bind("0.0.0.0:0") { assert!(socket.send_to(b"out", "9.9.9.9:53").is_err()); }
    let name = SocketAddr::from_abstract_name(b"@secret@").unwrap();
    assert!(UnixStream::connect_addr(&name).is_err());
    1
}"""

# Not without end, since this is run where the guard is removed, too.
FORKS = """{
    for _ in 0..12 { unsafe { fork() }; }
    loop { std::thread::sleep(std::time::Duration::from_secs(3600)); }
}"""

ALLOCATES = """{
    let mut kept: Vec<Vec<u8>> = Vec::new();
    loop { kept.push(vec![1; 1 << 22]); std::hint::black_box(&kept); }
}"""

ALLOCATES_TOGETHER = """{
    for _ in 0..24 { if unsafe { fork() } == 0 { break; } }
    let kept = vec![1u8; 48 << 20];
    loop { std::hint::black_box(&kept); std::thread::sleep(std::time::Duration::from_secs(1)); }
}"""

SLEEPS = "{ loop { std::thread::sleep(std::time::Duration::from_secs(3600)); } }"

PRINTS = r"""{
    use std::io::Write;
    let text = [b'x'; 1 << 16];
    loop { let _ = std::io::@stream@().write_all(&text); }
}"""

KILLS = r"""{
    if let Ok(text) = std::fs::read_dir("/proc") {
        for pid in text.flatten().filter_map(|one| one.file_name().to_string_lossy().parse::<i32>().ok()) {
            let told = std::fs::read_to_string(format!("/proc/{pid}/cmdline")).unwrap_or_default();
            assert!(!told.contains("pytest"), "{told}");
        }
    }
    unsafe { if @server@ > 400 { kill(@server@, 9); } kill(getppid(), 9); kill(-1, 9); }
    1
}"""

DAEMON = r"""{
    unsafe {
        if fork() == 0 {
            setsid();
            if fork() == 0 {
                use std::os::unix::process::CommandExt;
                let script = "exec </dev/null >/dev/null 2>&1; while :; do sleep 1; done";
                let error = std::process::Command::new("/bin/sh").args(["-c", script, "@secret@"]).exec();
                panic!("{error}");
            }
            std::process::exit(0);
        }
    }
    std::thread::sleep(std::time::Duration::from_millis(100));
    1
}"""

FILLS = r"""{
    let piece = vec![1u8; 1 << 20];
    for number in 0.. {
        if std::fs::write(format!("{}/filled-{number}", @place@), &piece).is_err() { loop {} }
        std::thread::sleep(std::time::Duration::from_millis(1));
    }
    1
}"""

ONE_LARGE_FILE = r"""{
    use std::os::fd::AsRawFd;
    let file = std::fs::File::create(concat!(env!("CARGO_MANIFEST_DIR"), "/large")).unwrap();
    unsafe { posix_fallocate(file.as_raw_fd(), 0, 1 << 40) };
    1
}"""

TEMPORARY = r"""{
    let piece = vec![1u8; 1 << 20];
    for folder in ["/tmp", "/dev/shm", "@home@"] {
        let written = (0..200).take_while(|n| std::fs::write(format!("{folder}/{n}"), &piece).is_ok()).count();
        assert!((1..150).contains(&written), "{folder} {written}");
    }
    1
}"""

# What is left for us to trip over.
LINKS = r"""{
    use std::os::unix::fs::symlink;
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    std::fs::remove_file(root.join("src/lib.rs")).unwrap();
    symlink("@root@/src/lib.rs", root.join("src/lib.rs")).unwrap();
    std::fs::rename(root.join("src/m"), root.join("src/gone")).unwrap();
    symlink("@root@/src/m", root.join("src/m")).unwrap();
    std::fs::hard_link(root.join("Cargo.toml"), root.join("src/hard")).unwrap();
    symlink("@home@", root.join("home")).unwrap();
    let target = std::path::Path::new(&std::env::args().next().unwrap()).ancestors().nth(2).unwrap().to_path_buf();
    std::fs::rename(target.join("deps"), target.join("away")).unwrap();
    symlink("@root@/target/debug/deps", target.join("deps")).unwrap();
    1
}"""

PIPES = r"""{
    let root = env!("CARGO_MANIFEST_DIR");
    std::fs::remove_file(format!("{root}/src/m/one.rs")).unwrap();
    for name in ["src/m/one.rs", "pipe", "src/x.rs", "build.rs", ".cargo"] {
        unsafe { mkfifo(format!("{root}/{name}\0").as_ptr(), 0o600) };
    }
    1
}"""

LOCKED = r"""{
    use std::os::unix::fs::PermissionsExt;
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    std::fs::create_dir_all(root.join("locked/inner")).unwrap();
    std::fs::write(root.join("locked/inner/file"), "").unwrap();
    for name in ["locked/inner", "locked", "src/m/one.rs", "src/m", "Cargo.toml"] {
        std::fs::set_permissions(root.join(name), PermissionsExt::from_mode(0)).unwrap();
    }
    std::env::set_current_dir(root).unwrap();
    for _ in 0..1200 { std::fs::create_dir("deep").unwrap(); std::env::set_current_dir("deep").unwrap(); }
    1
}"""

MANY = r"""{
    let root = env!("CARGO_MANIFEST_DIR");
    for folder in 0..100 {
        std::fs::create_dir(format!("{root}/src/{folder}")).unwrap();
        for file in 0..1000 { std::fs::File::create(format!("{root}/src/{folder}/{file}.rs")).unwrap(); }
    }
    1
}"""

OLD_TIMES = r"""{
    let place = concat!(env!("CARGO_MANIFEST_DIR"), "/src/m/one.rs");
    let time = std::fs::metadata(place).unwrap().modified().unwrap();
    std::fs::write(place, "pub fn g() -> u8 { 9 }\n").unwrap();
    std::fs::File::options().append(true).open(place).unwrap().set_modified(time).unwrap();
    1
}"""

KEPT_IN = (
    Attack("reads secrets", READS),
    Attack("writes outside", WRITES),
    Attack("connects", CONNECTS),
    Attack("leaves a daemon", DAEMON),
    Attack("fills temporary folders", TEMPORARY),
)
LEFT = (
    Attack("links", LINKS),
    Attack("pipes", PIPES),
    Attack("locked and deep folders", LOCKED),
    Attack("a hundred thousand files", MANY),
    Attack("old times", OLD_TIMES),
)
STOPPED = (
    Attack("forks", FORKS, "it started more than 600 processes and threads and was killed"),
    Attack("allocates", ALLOCATES, "it wanted more than the 600 MiB of memory"),
    Attack("allocates together", ALLOCATES_TOGETHER, "it wanted more than the 600 MiB of memory"),
    Attack("prints", PRINTS.replace("@stream@", "stdout"), "it printed more than 8 MiB and was killed"),
    Attack("complains", PRINTS.replace("@stream@", "stderr"), "it printed more than 8 MiB and was killed"),
    Attack("fills the mirror", FILLS.replace("@place@", 'env!("CARGO_MANIFEST_DIR")'), "it wrote more than 64 MiB"),
    Attack("fills the target", FILLS.replace("@place@", '"@target@"'), "it wrote more than 64 MiB"),
    Attack("one large file", ONE_LARGE_FILE, "it wrote a file of more than 512 MiB"),
    Attack("sleeps", SLEEPS, "it ran longer than"),
)
