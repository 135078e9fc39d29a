"""The compiler: `.resnet` text in, Python text out. Imports no torch."""

if __name__ != "resnetc.compiler":
    raise ImportError("import resnetc.compiler, not compiler: two copies of every class would exist")
