"""`python -m opencrates_lsp`: the language server."""

from opencrates_lsp.server.start import main

if __name__ == "__main__":
    main()
