"""The version of the language, the compiler and the runtime, which are released together."""

VERSION = "0.1.0"
