"""The runtime: trains and evaluates generated modules. Imports no lark and no compiler."""

if __name__ != "resnetc.runtime":
    raise ImportError("import resnetc.runtime, not runtime: two copies of every class would exist")
