// The one place where the version stands; CMake and the file format read it from here.
#pragma once

#define UNROLL_VERSION_MAJOR 0
#define UNROLL_VERSION_MINOR 1
#define UNROLL_VERSION_PATCH 0
#define UNROLL_VERSION_STRING "0.1.0"
