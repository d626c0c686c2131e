# What a compiler is called with by hand, for the tests that call it.
set(compile ${CMAKE_CXX_COMPILER} -std=c++20 -I${PROJECT_SOURCE_DIR}/include
  "-isystem$<JOIN:$<TARGET_PROPERTY:Eigen3::Eigen,INTERFACE_INCLUDE_DIRECTORIES>,$<SEMICOLON>-isystem>")

# What must not compile, and what the compiler must say: see compile_fail/run.sh.
file(GLOB sources CONFIGURE_DEPENDS compile_fail/*.cpp)
foreach(source IN LISTS sources)
  cmake_path(GET source STEM name)
  add_test(NAME compile_fail.${name}
           COMMAND sh ${CMAKE_CURRENT_SOURCE_DIR}/compile_fail/run.sh ${source} ${compile} COMMAND_EXPAND_LISTS)
  set_tests_properties(compile_fail.${name} PROPERTIES LABELS compile COST 50)
endforeach()

# A stream from a header: what it links, and that it runs.
add_test(NAME embedded COMMAND sh ${CMAKE_CURRENT_SOURCE_DIR}/embedded/run.sh
         ${CMAKE_CURRENT_SOURCE_DIR}/embedded/main.cpp ${compile} COMMAND_EXPAND_LISTS)
set_tests_properties(embedded PROPERTIES LABELS compile)
if(TARGET unroll_export)
  add_executable(write_kinds embedded/write_kinds.cpp)
  target_link_libraries(write_kinds PRIVATE unroll_tested ZLIB::ZLIB)
  target_compile_options(write_kinds PRIVATE -O0)
  unroll_precompile(write_kinds _unoptimized)
  add_test(NAME export COMMAND sh ${CMAKE_CURRENT_SOURCE_DIR}/embedded/export.sh $<TARGET_FILE:write_kinds>
           $<TARGET_FILE:unroll_export> ${compile} -DUNROLL_PLAIN_KERNELS
           -DUNROLL_COMPILED COMMAND_EXPAND_LISTS)  # and no body
  set_tests_properties(export PROPERTIES LABELS compile COST 50)
endif()

# Translation units of one program, compiled with different flags, one of them with all headers.
if(EXISTS ${PROJECT_SOURCE_DIR}/include/unroll/unroll.hpp)
  list(TRANSFORM headers REPLACE "^${PROJECT_SOURCE_DIR}/include/(.*)$" "#include <\\1>" OUTPUT_VARIABLE includes)
  list(JOIN includes "\n" includes)
  file(CONFIGURE OUTPUT two_units/all_headers.hpp CONTENT "${includes}\n" @ONLY)
  add_executable(two_units_test two_units/main.cpp two_units/baseline.cpp two_units/native.cpp
    two_units/checked.cpp two_units/fast_math.cpp two_units/plain.cpp)
  target_include_directories(two_units_test PRIVATE ${CMAKE_CURRENT_BINARY_DIR}/two_units)
  target_link_libraries(two_units_test PRIVATE unroll::io unroll_warnings unroll_levels ZLIB::ZLIB)
  set_source_files_properties(two_units/native.cpp PROPERTIES COMPILE_OPTIONS -march=native)
  set_source_files_properties(two_units/checked.cpp PROPERTIES COMPILE_OPTIONS -UNDEBUG)
  set_source_files_properties(two_units/fast_math.cpp PROPERTIES COMPILE_OPTIONS -ffast-math)
  add_test(NAME two_units COMMAND two_units_test)
  set_tests_properties(two_units PROPERTIES LABELS compile)
endif()

# The same bits header-only and with the compiled part.
add_executable(forms_headers forms/forms.cpp)
target_link_libraries(forms_headers PRIVATE unroll::io unroll_warnings unroll_levels)
add_executable(forms_compiled forms/forms.cpp)
target_link_libraries(forms_compiled PRIVATE unroll::compiled unroll_warnings unroll_levels)
add_test(NAME forms COMMAND sh ${CMAKE_CURRENT_SOURCE_DIR}/forms/run.sh $<TARGET_FILE:forms_headers>
         $<TARGET_FILE:forms_compiled>)
set_tests_properties(forms PROPERTIES LABELS compile)

# The library from outside: installed and found, as a subdirectory, and without CMake.
if(UNROLL_INSTALL)
  add_test(NAME consumer COMMAND sh ${CMAKE_CURRENT_SOURCE_DIR}/consumer/run.sh ${PROJECT_BINARY_DIR} ${compile}
           COMMAND_EXPAND_LISTS)
  set_tests_properties(consumer PROPERTIES LABELS compile COST 100  # the longest begins first
    ENVIRONMENT "CMAKE=${CMAKE_COMMAND};CMAKE_GENERATOR=${CMAKE_GENERATOR};CXX=${CMAKE_CXX_COMPILER}")
endif()

# The code of the documentation: every cpp block of README.md and docs/ is a region of a file in tests/docs, which is
# built, run one after the other (one may load what another saved) in a folder with the files of tests/docs/files, and
# compared with the .out beside it.
file(GLOB documents CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/README.md ${PROJECT_SOURCE_DIR}/docs/*.md
  ${PROJECT_SOURCE_DIR}/docs/*/*.md)
if(documents)
  add_test(NAME docs.blocks COMMAND awk -f cmake/check_docs.awk ${documents} WORKING_DIRECTORY ${PROJECT_SOURCE_DIR})
  set_tests_properties(docs.blocks PROPERTIES LABELS docs)
endif()
file(GLOB files CONFIGURE_DEPENDS docs/files/*)
file(COPY ${files} DESTINATION ${CMAKE_CURRENT_BINARY_DIR}/docs)
configure_file(${PROJECT_SOURCE_DIR}/examples/data/reviews_train.tsv docs/reviews.tsv COPYONLY)
configure_file(data/io/nam_lstm.nam docs/amp.nam COPYONLY)
configure_file(data/io/pytorch_tagger_f32.safetensors docs/tagger.safetensors COPYONLY)
configure_file(data/io/keras_stack.safetensors docs/keras.safetensors COPYONLY)
configure_file(data/io/rtneural_lstm.json docs/amplifier.json COPYONLY)
file(GLOB sources CONFIGURE_DEPENDS docs/*.cpp)
set(previous)
foreach(source IN LISTS sources)
  cmake_path(GET source STEM name)
  add_executable(docs_${name} ${source})
  target_link_libraries(docs_${name} PRIVATE unroll_tested ZLIB::ZLIB)
  # What they print depends neither on the kernels nor on the optimizer, but for whole programs, which train longer, and the
  # cell that a kernel is made of.
  set(tolerance)
  if(name MATCHES "^(readme_1_train|own_cell|forecasting|online_learning|series|tagging|translation)$")
    unroll_precompile(docs_${name})
    set(tolerance 0.1)
  else()
    target_compile_options(docs_${name} PRIVATE -O0)
    unroll_precompile(docs_${name} _unoptimized)
  endif()
  set(expected ${CMAKE_CURRENT_SOURCE_DIR}/docs/${name}.out)
  if(NOT EXISTS ${expected})
    set(expected)
  endif()
  add_test(NAME docs.${name} WORKING_DIRECTORY ${CMAKE_CURRENT_BINARY_DIR}/docs
           COMMAND sh ${CMAKE_CURRENT_SOURCE_DIR}/docs/run.sh $<TARGET_FILE:docs_${name}> ${expected} ${tolerance})
  set_tests_properties(docs.${name} PROPERTIES LABELS docs DEPENDS "${previous}")
  set(previous docs.${name})
endforeach()
