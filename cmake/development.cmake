# What our own tests, examples and benchmarks are compiled with. Users of the library get none of it.

add_library(unroll_warnings INTERFACE)
target_compile_options(unroll_warnings INTERFACE
  $<$<CXX_COMPILER_ID:GNU,Clang,AppleClang>:-Wall -Wextra -Wpedantic -Wconversion -Wshadow>
  # g++ 12 takes Eigen's packet loads of small vectors for reads past their end; the sanitizers of `dev` know better.
  $<$<CXX_COMPILER_ID:GNU>:-Wno-array-bounds>)

# Some tests are compiled with -O0 on purpose, and all levels are tested whatever the flags.
target_compile_definitions(unroll_warnings INTERFACE UNROLL_UNOPTIMIZED UNROLL_LEAST_LEVEL=0)

# g++ collects its garbage rarely: a tenth of the time for a tenth of the memory.
target_compile_options(unroll_warnings INTERFACE $<$<CXX_COMPILER_ID:GNU>:SHELL:--param=ggc-min-expand=300>)

# Checks by calls instead of inline ones: the kernels compile in half the time.
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_FLAGS MATCHES "fsanitize=address")
  target_compile_options(unroll_warnings INTERFACE "SHELL:--param asan-instrumentation-with-call-threshold=0")
endif()

if(PROJECT_IS_TOP_LEVEL AND NOT DEFINED CMAKE_CXX_COMPILER_LAUNCHER)
  find_program(UNROLL_CCACHE ccache)
  if(UNROLL_CCACHE)
    set(CMAKE_CXX_COMPILER_LAUNCHER ${UNROLL_CCACHE})
  endif()
endif()

# What tests, examples and the programs of the documentation link: the compiled part, unless it is the headers that are
# to be tested.
option(UNROLL_HEADER_ONLY "Build tests, examples and documentation without the compiled part" OFF)
add_library(unroll_tested INTERFACE)
target_link_libraries(unroll_tested INTERFACE unroll::io unroll_warnings)
if(NOT UNROLL_HEADER_ONLY)
  target_link_libraries(unroll_tested INTERFACE unroll::compiled)
  # What the sanitizers add to every SIMD kernel takes minutes to compile, so the kernels have it in their own tests.
  if(UNROLL_PLAIN_TESTS)
    target_compile_definitions(unroll_compiled PUBLIC UNROLL_PLAIN_KERNELS)
    set_source_files_properties(src/stream.cpp PROPERTIES COMPILE_OPTIONS -O0)  # compiles for longer than it runs
  endif()
endif()
target_link_libraries(unroll_compiled PRIVATE $<BUILD_INTERFACE:unroll_warnings>)

# The headers of the library, read once for all tests and examples. ccache does not know precompiled headers again, so it
# goes without. `kind` is nothing or _unoptimized.
function(unroll_precompile target)
  if(UNROLL_CCACHE)
    return()
  endif()
  set(kind ${ARGV1})
  if(NOT TARGET precompiled${kind})
    file(CONFIGURE OUTPUT ${PROJECT_BINARY_DIR}/precompiled.cpp CONTENT "")
    add_library(precompiled${kind} OBJECT ${PROJECT_BINARY_DIR}/precompiled.cpp)
    target_link_libraries(precompiled${kind} PRIVATE unroll_tested ZLIB::ZLIB)
    if(kind STREQUAL "_unoptimized")
      target_compile_options(precompiled${kind} PRIVATE -O0)
    endif()
    target_precompile_headers(precompiled${kind} PRIVATE <unroll/unroll.hpp>)
  endif()
  target_precompile_headers(${target} REUSE_FROM precompiled${kind})
endfunction()
