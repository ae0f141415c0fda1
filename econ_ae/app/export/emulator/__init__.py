"""`econ-ae export --format emulator`: a versioned C++ library of an encoder and its receiver."""
