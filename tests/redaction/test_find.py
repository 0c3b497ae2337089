"""What is a secret in a text, and what only looks like one."""

from __future__ import annotations

import time

import pytest
from planted import AWS, GITHUB, KEY_LINES, OPENAI, PASSWORD, PRIVATE_KEY, URL

from opencrates_lsp.redaction.find import find


def found(text: str) -> list[str]:
    return [text[one.start : one.end] for one in find(text)]


HEX = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
RANDOM = "q8ZkP2vR7tXw4LmN9bYc"


@pytest.mark.parametrize(
    ("text", "secrets"),
    [
        # Formats that services publish, wherever they stand.
        (f"fn f() {{ call({GITHUB!r}) }}", [GITHUB]),
        (f"// see {AWS}, please", [AWS]),
        (f"the model's key is {OPENAI}", [OPENAI]),
        (f'let t = "{"glpat" + "-AbCdEf1234567890abcd"}";', ["glpat" + "-AbCdEf1234567890abcd"]),
        (f'"{"xoxb" + "-123456789012-abcdefABCDEF12"}"', ["xoxb" + "-123456789012-abcdefABCDEF12"]),
        ("AGE-SECRET" + "-KEY-1" + "Q9" * 29, ["AGE-SECRET" + "-KEY-1" + "Q9" * 29]),
        # Passwords in URLs, and nothing else of the URL.
        (f'let url = "{URL}";', ["pa55-w0rd"]),
        ('"redis://:p4ss@cache:6379/0"', ["p4ss"]),
        ('"amqp://app:app@queue/"', ["app"]),
        # Told by a name, in all the ways in which Rust gives a value to one.
        (f'const API_KEY: &str = "{RANDOM}";', [RANDOM]),
        (f'static TOKEN: &\'static str =\n    "{RANDOM}";', [RANDOM]),
        (f'let password = "{PASSWORD}".to_owned();', [PASSWORD]),
        ('    password: "correct-horse-battery".into(),', ["correct-horse-battery"]),
        (f'.password("{PASSWORD}")', [PASSWORD]),
        (f'env::set_var("API_TOKEN", "{HEX}");', [HEX]),
        (f'map.insert("client_secret", "{RANDOM}");', [RANDOM]),
        (f'{{"access_key": "{RANDOM}"}}', [RANDOM]),
        (f'let secret = hex!("{HEX}");', [HEX]),
        (f'const SIGNING_KEY: &[u8; 32] =\n        b"{HEX[:32]}";', [HEX[:32]]),
        (f"Authorization: Bearer {RANDOM}", [RANDOM]),
        # Written by people.
        ("use hunter2hunter; the password is hunter2hunter", ["hunter2hunter"]),
        (f"/// The token: `{RANDOM}`", [RANDOM]),
        ("// password = Sup3rS3cret!", ["Sup3rS3cret!"]),
        ("DB_PASSWORD=s3cr3t-stuff\nDEBUG=1", ["s3cr3t-stuff"]),
        ("/// export API_KEY='abc123def456'", ["abc123def456"]),
    ],
)
def test_a_secret_is_found_whole(text: str, secrets: list[str]) -> None:
    assert found(text) == secrets


@pytest.mark.parametrize(
    "text",
    [
        f'const EMPTY: &str = "{HEX}";',
        'Uuid::parse_str("67e55044-10b1-426f-9247-bb680e5fe0c8")',
        'assert_eq!(encode(b"hello wor"), "aGVsbG8gd29ybGQgYWFhYWFhYWFhYWFh");',
        f'let digest = hex!("{HEX}");',
        'let token = "identifier";',
        'Token::Str("2021-01-02T03:04:05Z")',
        'let key = "x86_64-unknown-linux-gnu";',
        "let secret_key = SecretKey::generate(&mut rng);",
        "pub password: ::windows_sys::core::PCWSTR,",
        "fn password(&self) -> &str {\n    &self.password\n}",
        "pub fn login(user: &str, password: &str) -> Result<Token, LoginError> {",
        'std::env::var("PASSWORD").expect("the password is set")',
        'std::env::var("OPENAI_API_KEY")?',
        'PasswordHash::new("$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$aaaa")',
        'PrivateKeyDer::from_pem_file("tests/data/nistp256key.pkcs8.pem")',
        'form.field("password", "password")',
        "const TOKEN_KIND: u32 = 0x1234_5678;",
        "    KEY = MAP_OF_KEYS,",
        '"https://user@host:8080/a:b@c"',
        '"http://{user}:{password}@{host}"',
        'let api_key = "YOUR_API_KEY_GOES_HERE_1";',
        "// -----BEGIN RSA " + "PRIVATE KEY-----\n// and then the base64 of PKCS#1, in lines of characters",
        "match token { Token::Ident(name) => parser.advance(name), _ => unexpected_token }",
    ],
)
def test_ordinary_rust_is_left_alone(text: str) -> None:
    assert found(text) == []


@pytest.mark.parametrize(
    "text",
    [
        PRIVATE_KEY,
        'const KEY: &str = r#"' + PRIVATE_KEY + '"#;',
        "".join(f"/// {line}\n" for line in PRIVATE_KEY.splitlines()),
        '"' + PRIVATE_KEY.replace("\n", "\\n") + '"',
        "concat!(\n" + "".join(f'    "{line}\\n",\n' for line in PRIVATE_KEY.splitlines()) + ")",
        # What an editor or a budget cut off.
        PRIVATE_KEY[: PRIVATE_KEY.index("-----END")],
        PRIVATE_KEY.replace("-----\nMII", "-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,0A1B2C\n\nMII"),
    ],
    ids=["plain", "raw", "comment", "escaped", "pieces", "cut", "encrypted"],
)
def test_a_private_key_is_taken_line_by_line_and_is_one(text: str) -> None:
    assert found(text) == list(KEY_LINES)
    assert len({one.whole for one in find(text)}) == 1


def test_a_long_prompt_is_looked_through_in_no_time() -> None:
    """24 kB of what costs most: names of secrets on every line. The limit is ten times what it takes."""
    line = 'let api_key_token = tokens.secret(password_of(&self.key), "not one at all"); // the password is kept\n'
    text = line * (24_000 // len(line))
    find(text)
    begun = time.process_time()
    find(text)
    assert time.process_time() - begun < 0.2


@pytest.mark.parametrize(
    "piece", ["a" * 50_000, "passw " * 9_000, '"' * 30_000, "A" * 30_000 + "_" * 30_000, "://a:" * 9_000]
)
def test_no_text_makes_it_slow(piece: str) -> None:
    begun = time.process_time()
    find(piece)
    assert time.process_time() - begun < 5
