# What our own tests, examples and benchmarks are compiled with. Users of the library get none of it.

add_library(unroll_warnings INTERFACE)
target_compile_options(unroll_warnings INTERFACE
  $<$<CXX_COMPILER_ID:GNU,Clang,AppleClang>:-Wall -Wextra -Wpedantic -Wconversion -Wshadow>
  # g++ 12 takes Eigen's packet loads of small vectors for reads past their end; the sanitizers of `dev` know better.
  $<$<CXX_COMPILER_ID:GNU>:-Wno-array-bounds>)

# Some tests are compiled with -O0 on purpose.
target_compile_definitions(unroll_warnings INTERFACE UNROLL_UNOPTIMIZED)

# All levels, whatever the flags, or the one that this machine would choose, which takes a third of the time to compile.
# The tests of the kernels and the programs of tests/process always have all.
option(UNROLL_ALL_LEVELS "Test with every SIMD level, not the best of this machine alone" ON)
set(least_level 0)
if(NOT UNROLL_ALL_LEVELS)
  execute_process(COMMAND ${CMAKE_CXX_COMPILER} -march=native -dM -E -x c++ /dev/null OUTPUT_VARIABLE native ERROR_QUIET)
  if(native MATCHES "__AVX512F__ 1" AND native MATCHES "__AVX512VL__ 1" AND native MATCHES "__AVX512DQ__ 1" AND
     native MATCHES "__AVX512BW__ 1")
    set(least_level 3)
  elseif(native MATCHES "__AVX2__ 1" AND native MATCHES "__FMA__ 1")
    set(least_level 2)
  elseif(native MATCHES "__x86_64__ 1")
    set(least_level 1)
  endif()
endif()
add_library(unroll_levels INTERFACE)
target_compile_definitions(unroll_levels INTERFACE UNROLL_LEAST_LEVEL=${least_level})
if(least_level GREATER 0)
  target_compile_definitions(unroll_levels INTERFACE UNROLL_BEST_LEVEL=${least_level})
  target_compile_definitions(unroll_compiled PUBLIC UNROLL_BEST_LEVEL=${least_level})  # is in the names that it has
endif()

# g++ collects no garbage to speak of: a tenth of the time for a tenth of the memory.
target_compile_options(unroll_warnings INTERFACE $<$<CXX_COMPILER_ID:GNU>:SHELL:--param=ggc-min-expand=10000 --param=ggc-min-heapsize=2000000>)

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
target_link_libraries(unroll_tested INTERFACE unroll::io unroll_warnings unroll_levels)
if(NOT UNROLL_HEADER_ONLY)
  target_link_libraries(unroll_tested INTERFACE unroll::compiled)
  # What compiles for longer than it runs, because loops are in kernels.
  if(UNROLL_UNITY)
    set_source_files_properties(src/any_layer.cpp src/any_layer_double.cpp PROPERTIES COMPILE_OPTIONS -O0)
  endif()
  # What the sanitizers add to every SIMD kernel takes minutes to compile, so the kernels have it in their own tests.
  if(UNROLL_PLAIN_TESTS)
    target_compile_definitions(unroll_compiled PUBLIC UNROLL_PLAIN_KERNELS)
    get_target_property(sources unroll_compiled SOURCES)
    list(FILTER sources EXCLUDE REGEX "/(kernel|text|file|io)\\.cpp$")  # which run for longer than they compile
    set_source_files_properties(${sources} PROPERTIES COMPILE_OPTIONS -O0)
  endif()
endif()
target_link_libraries(unroll_compiled PRIVATE $<BUILD_INTERFACE:unroll_warnings> $<BUILD_INTERFACE:unroll_levels>)

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
