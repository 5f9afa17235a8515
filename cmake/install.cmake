# SPDX-License-Identifier: Apache-2.0
# What `cmake --install` puts where. Included last: it looks at the targets that exist by then. Programs and data files
# without a COMPONENT belong to the package vortex-sandbox (set in CMakeLists.txt), so a new program needs nothing here.
if(VORTEX_SANITIZE)
  return()  # nothing that anybody installs
endif()
include(CMakePackageConfigHelpers)
include(public_headers)

set(VORTEX_SOVERSION 0)

# Imported targets are known to their own directory only. A new third-party library under src/ needs its line here.
find_package(absl REQUIRED CONFIG)
find_package(fmt REQUIRED CONFIG)
find_package(OpenSSL REQUIRED)
find_package(ZLIB REQUIRED)
find_package(nlohmann_json REQUIRED CONFIG)
find_package(yaml-cpp REQUIRED CONFIG)
find_package(spdlog REQUIRED CONFIG)
find_package(prometheus-cpp REQUIRED CONFIG)
find_package(Boost 1.74 REQUIRED)
find_package(PkgConfig REQUIRED)
pkg_check_modules(ZSTD REQUIRED IMPORTED_TARGET libzstd)
pkg_check_modules(SECCOMP REQUIRED IMPORTED_TARGET libseccomp)
pkg_check_modules(CARES REQUIRED IMPORTED_TARGET libcares)

# vortex_gather(ITEM): walks the link closure of ITEM. Our static libraries become object files of the shared library
# (property vortex_gathered_objects), all else becomes what it is linked with (vortex_gathered_libraries).
function(vortex_gather item)
  string(REGEX REPLACE "^\\$<LINK_ONLY:(.*)>$" "\\1" item "${item}")
  get_property(done GLOBAL PROPERTY vortex_gathered)
  if(item IN_LIST done OR item STREQUAL "")
    return()
  endif()
  set_property(GLOBAL APPEND PROPERTY vortex_gathered ${item})
  if(NOT TARGET ${item})
    if(item MATCHES "::")
      message(FATAL_ERROR "cmake/install.cmake: ${item} is not known here: add its find_package to the list above")
    endif()
    set_property(GLOBAL APPEND PROPERTY vortex_gathered_libraries ${item})
    return()
  endif()
  get_target_property(aliased ${item} ALIASED_TARGET)
  if(aliased)
    vortex_gather(${aliased})
    return()
  endif()
  get_target_property(imported ${item} IMPORTED)
  get_target_property(type ${item} TYPE)
  if(imported)
    # The shared library, also where the programs of a release link the archive (static_grpc.cmake).
    get_target_property(shared ${item} VORTEX_SHARED_FILE)
    if(NOT shared AND NOT type STREQUAL "INTERFACE_LIBRARY")  # of these only what they name: it may be an archive by now
      set(shared ${item})
    elseif(NOT shared)
      set(shared "")
    endif()
    set_property(GLOBAL APPEND PROPERTY vortex_gathered_libraries ${shared})
    get_target_property(needed ${item} INTERFACE_LINK_LIBRARIES)
  elseif(type STREQUAL "STATIC_LIBRARY")
    set_property(GLOBAL APPEND PROPERTY vortex_gathered_objects ${item})
    get_target_property(needed ${item} LINK_LIBRARIES)
  else()
    set(needed "")  # vortex_warnings
  endif()
  foreach(next ${needed})
    if(NOT next MATCHES "NOTFOUND$")
      vortex_gather(${next})
    endif()
  endforeach()
endfunction()

# libvortex-sandbox.so: every layer below the programs, the generated code included. One library and not one a layer,
# because two that hold the same generated protobuf code end the process when both are loaded.
vortex_gather(vortex_sandbox)
get_property(layers GLOBAL PROPERTY vortex_gathered_objects)
get_property(libraries GLOBAL PROPERTY vortex_gathered_libraries)
list(TRANSFORM layers REPLACE "(.+)" "$<TARGET_OBJECTS:\\1>" OUTPUT_VARIABLE objects)
add_library(vortex_sandbox_shared SHARED ${objects})
set_target_properties(vortex_sandbox_shared PROPERTIES OUTPUT_NAME vortex-sandbox EXPORT_NAME sandbox LINKER_LANGUAGE CXX
  VERSION ${PROJECT_VERSION} SOVERSION ${VORTEX_SOVERSION} LIBRARY_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/lib
  LINK_DEPENDS ${CMAKE_CURRENT_LIST_DIR}/libvortex-sandbox.map)
# Users of the installed library get what its headers need, the build itself what it was linked with.
target_link_libraries(vortex_sandbox_shared
  PRIVATE ${libraries}
  INTERFACE $<INSTALL_INTERFACE:absl::status> $<INSTALL_INTERFACE:absl::statusor> $<INSTALL_INTERFACE:fmt::fmt>)
target_link_options(vortex_sandbox_shared PRIVATE -Wl,--as-needed -Wl,-z,defs
  -Wl,--version-script=${CMAKE_CURRENT_LIST_DIR}/libvortex-sandbox.map)
target_include_directories(vortex_sandbox_shared INTERFACE
  $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/src> $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}/vortex-sandbox>)
target_compile_features(vortex_sandbox_shared INTERFACE cxx_std_20)

set(library_component libvortex-sandbox${VORTEX_SOVERSION})
set(cmake_dir ${CMAKE_INSTALL_LIBDIR}/cmake/VortexSandbox)
install(TARGETS vortex_sandbox_shared EXPORT VortexSandbox
  LIBRARY COMPONENT ${library_component} NAMELINK_COMPONENT libvortex-sandbox-dev)
install(EXPORT VortexSandbox NAMESPACE VortexSandbox:: FILE VortexSandboxTargets.cmake
  DESTINATION ${cmake_dir} COMPONENT libvortex-sandbox-dev)
configure_package_config_file(${CMAKE_CURRENT_LIST_DIR}/VortexSandboxConfig.cmake.in
  ${PROJECT_BINARY_DIR}/VortexSandboxConfig.cmake INSTALL_DESTINATION ${cmake_dir})
# Before 1.0 a minor version may change the interface.
write_basic_package_version_file(${PROJECT_BINARY_DIR}/VortexSandboxConfigVersion.cmake COMPATIBILITY SameMinorVersion)
configure_file(${CMAKE_CURRENT_LIST_DIR}/vortex-sandbox.pc.in ${PROJECT_BINARY_DIR}/vortex-sandbox.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/VortexSandboxConfig.cmake ${PROJECT_BINARY_DIR}/VortexSandboxConfigVersion.cmake
  DESTINATION ${cmake_dir} COMPONENT libvortex-sandbox-dev)
install(FILES ${PROJECT_BINARY_DIR}/vortex-sandbox.pc
  DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig COMPONENT libvortex-sandbox-dev)
vortex_public_headers(headers)
foreach(header ${headers})
  get_filename_component(folder ${header} DIRECTORY)
  install(FILES ${PROJECT_SOURCE_DIR}/src/${header}
    DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/vortex-sandbox/${folder} COMPONENT libvortex-sandbox-dev)
endforeach()

# Operators' files: examples below share/vortex, and what is theirs to edit below /etc/vortex (all of it conffiles).
install(DIRECTORY ${PROJECT_SOURCE_DIR}/deploy DESTINATION ${CMAKE_INSTALL_DATADIR}/vortex
  PATTERN systemd EXCLUDE)
install(DIRECTORY ${PROJECT_SOURCE_DIR}/packaging/etc/vortex DESTINATION ${CMAKE_INSTALL_FULL_SYSCONFDIR})
install(DIRECTORY ${PROJECT_SOURCE_DIR}/deploy/systemd/ DESTINATION lib/systemd/system)
install(DIRECTORY ${PROJECT_SOURCE_DIR}/examples/ DESTINATION ${CMAKE_INSTALL_DATADIR}/vortex/examples
  USE_SOURCE_PERMISSIONS PATTERN bin EXCLUDE PATTERN __pycache__ EXCLUDE PATTERN cpp EXCLUDE)
install(DIRECTORY ${PROJECT_SOURCE_DIR}/examples/cpp DESTINATION ${CMAKE_INSTALL_DATADIR}/doc/libvortex-sandbox-dev/examples
  COMPONENT libvortex-sandbox-dev)

install(DIRECTORY ${PROJECT_SOURCE_DIR}/docs/user DESTINATION ${CMAKE_INSTALL_DATADIR}/doc/vortex-sandbox)

# Manual pages. That of vortexctl is made from its own --help.
set(man ${PROJECT_SOURCE_DIR}/packaging/man)
add_custom_command(OUTPUT ${PROJECT_BINARY_DIR}/man/vortexctl.1.gz ${PROJECT_BINARY_DIR}/man/containerd-shim-vortex-v2.8.gz
  COMMAND ${man}/make ${man}/vortexctl.1.in $<TARGET_FILE:vortexctl> ${PROJECT_VERSION} man/vortexctl.1
  COMMAND ${CMAKE_COMMAND} -E copy ${man}/containerd-shim-vortex-v2.8 man
  COMMAND gzip -9nf man/vortexctl.1 man/containerd-shim-vortex-v2.8
  DEPENDS vortexctl ${man}/make ${man}/vortexctl.1.in ${man}/containerd-shim-vortex-v2.8
  WORKING_DIRECTORY ${PROJECT_BINARY_DIR} VERBATIM)
add_custom_target(man ALL DEPENDS ${PROJECT_BINARY_DIR}/man/vortexctl.1.gz)
file(MAKE_DIRECTORY ${PROJECT_BINARY_DIR}/man)
install(FILES ${PROJECT_BINARY_DIR}/man/vortexctl.1.gz DESTINATION ${CMAKE_INSTALL_MANDIR}/man1)
install(FILES ${PROJECT_BINARY_DIR}/man/containerd-shim-vortex-v2.8.gz DESTINATION ${CMAKE_INSTALL_MANDIR}/man8)

# The Python package for /usr/bin/python3. python/CMakeLists.txt has an install rule of its own, for wheels.
if(TARGET vortex_python)
  set(python_dir lib/python3/dist-packages)
  install(TARGETS vortex_python LIBRARY DESTINATION ${python_dir}/vortex_sandbox COMPONENT python3-vortex-sandbox)
  install(DIRECTORY ${PROJECT_SOURCE_DIR}/python/src/vortex_sandbox DESTINATION ${python_dir}
    COMPONENT python3-vortex-sandbox FILES_MATCHING PATTERN "*.py" PATTERN "*.pyi" PATTERN py.typed
    PATTERN __pycache__ EXCLUDE)
  install(FILES ${PROJECT_SOURCE_DIR}/docs/user/python.md ${PROJECT_SOURCE_DIR}/docs/user/migration.md
    DESTINATION ${CMAKE_INSTALL_DATADIR}/doc/python3-vortex-sandbox COMPONENT python3-vortex-sandbox)
  file(CONFIGURE OUTPUT ${PROJECT_BINARY_DIR}/METADATA CONTENT
    "Metadata-Version: 2.1\nName: vortex-sandbox\nVersion: @PROJECT_VERSION@\nRequires-Python: >=3.11\n" @ONLY)
  install(FILES ${PROJECT_BINARY_DIR}/METADATA COMPONENT python3-vortex-sandbox
    DESTINATION ${python_dir}/vortex_sandbox-${PROJECT_VERSION}.dist-info)
endif()
