// Writes this version's set of tests/data/files, before a release and never again after it. From the root:
//   g++ -std=c++20 -O1 -I include -isystem /usr/include/eigen3 tests/io/keep_models.cpp -o build/keep_models -pthread
//   build/keep_models tests/data/files
#include "kept_models.hpp"

int main(int, char** arguments) { kept::write_all(arguments[1]); }
