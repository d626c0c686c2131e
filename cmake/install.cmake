include(CMakePackageConfigHelpers)
include(GNUInstallDirs)

set(package_directory ${CMAKE_INSTALL_DATADIR}/cmake/unroll)
install(TARGETS unroll unroll_io EXPORT unroll-targets FILE_SET HEADERS)
if(UNROLL_COMPILED)
  install(TARGETS unroll_compiled EXPORT unroll-targets)
endif()
install(EXPORT unroll-targets NAMESPACE unroll:: DESTINATION ${package_directory})

configure_package_config_file(cmake/unroll-config.cmake.in ${PROJECT_BINARY_DIR}/unroll-config.cmake
                              INSTALL_DESTINATION ${package_directory})
# Before 1.0 a minor version may break a program.
set(independent ARCH_INDEPENDENT)
if(UNROLL_COMPILED)
  set(independent)
endif()
write_basic_package_version_file(${PROJECT_BINARY_DIR}/unroll-config-version.cmake COMPATIBILITY SameMinorVersion
                                 ${independent})
install(FILES ${PROJECT_BINARY_DIR}/unroll-config.cmake ${PROJECT_BINARY_DIR}/unroll-config-version.cmake
        DESTINATION ${package_directory})
install(FILES LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR})
