# SPDX-License-Identifier: Apache-2.0
# Debian packages, by CPack (`./dev package`): one a component of install.cmake, named like it. What a package has beyond
# its files is below packaging/<package>/: maintainer scripts and lintian-overrides.
if(VORTEX_SANITIZE)
  return()
endif()

set(revision 1)
set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME vortex-sandbox)
set(CPACK_PACKAGE_CONTACT "Vortex Sandbox maintainers <maintainers@users.noreply.r-seed-25978400.example>")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_VERBATIM_VARIABLES ON)
set(CPACK_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS
  OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_COMPONENTS_GROUPING IGNORE)
set(CPACK_COMPONENTS_ALL libvortex-sandbox${VORTEX_SOVERSION} libvortex-sandbox-dev vortex-sandbox)
if(TARGET vortex_python)
  list(APPEND CPACK_COMPONENTS_ALL python3-vortex-sandbox)
endif()
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_OUTPUT_FILE_PREFIX ${PROJECT_SOURCE_DIR}/build/packages)
set(CPACK_DEBIAN_PACKAGE_SOURCE vortex-sandbox)
set(CPACK_DEBIAN_PACKAGE_RELEASE ${revision})
set(CPACK_DEBIAN_PACKAGE_PRIORITY optional)
set(CPACK_DEBIAN_COMPRESSION_TYPE xz)
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
# Depends are what dpkg-shlibdeps reads from the binaries: the names differ between Debian's releases.
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS_PRIVATE_DIRS ${PROJECT_BINARY_DIR}/lib)
set(CPACK_DEBIAN_PACKAGE_GENERATE_SHLIBS ON)
set(CPACK_DEBIAN_PACKAGE_GENERATE_SHLIBS_POLICY =)
set(CPACK_DEBIAN_ENABLE_COMPONENT_DEPENDS ON)

string(TOUPPER libvortex-sandbox${VORTEX_SOVERSION} lib)
set(CPACK_DEBIAN_${lib}_PACKAGE_SECTION libs)
set(CPACK_DEBIAN_${lib}_DESCRIPTION
"sandbox runner and containerd client, shared library
 Runs untrusted plugins, each in a fresh, single-use container of an existing
 containerd, under limits that are read back from the kernel.
 .
 This is the C++ library that the programs and the Python package use.")

set(dev LIBVORTEX-SANDBOX-DEV)
set(CPACK_DEBIAN_${dev}_PACKAGE_SECTION libdevel)
set(CPACK_COMPONENT_${dev}_DEPENDS libvortex-sandbox${VORTEX_SOVERSION})
set(CPACK_DEBIAN_${dev}_PACKAGE_DEPENDS "libabsl-dev, libfmt-dev")
set(CPACK_DEBIAN_${dev}_PACKAGE_SUGGESTS vortex-sandbox)
set(CPACK_DEBIAN_${dev}_DESCRIPTION
"sandbox runner and containerd client, development files
 Headers of the C++20 library, its CMake package (find_package(VortexSandbox))
 and its pkg-config file (vortex-sandbox).")

set(main VORTEX-SANDBOX)
set(CPACK_DEBIAN_${main}_PACKAGE_SECTION admin)
# python3 runs the builder of the runtime image; binutils has its readelf.
set(CPACK_DEBIAN_${main}_PACKAGE_DEPENDS "containerd (>= 1.6) | containerd.io (>= 1.6), python3:any")
set(CPACK_DEBIAN_${main}_PACKAGE_RECOMMENDS "binutils, runc")
set(CPACK_DEBIAN_${main}_PACKAGE_SUGGESTS "crun, runsc")
set(CPACK_DEBIAN_${main}_DESCRIPTION
"runs untrusted plugins in single-use sandboxes of containerd
 A plugin is a small bundle of code with a JSON payload in and a JSON result
 out. Each run gets a fresh container of an existing containerd, without
 network or privileges, under limits that are read back from the kernel, and
 its caller is told how it ended and on what evidence.
 .
 This package has vortexctl, the containerd shim containerd-shim-vortex-v2,
 the builder of the plugin runtime image, and files to deploy them with.")

set(python PYTHON3-VORTEX-SANDBOX)
set(CPACK_DEBIAN_${python}_PACKAGE_SECTION python)
set(CPACK_COMPONENT_${python}_DEPENDS libvortex-sandbox${VORTEX_SOVERSION})
set(CPACK_DEBIAN_${python}_PACKAGE_RECOMMENDS vortex-sandbox)
set(CPACK_DEBIAN_${python}_DESCRIPTION
"runs untrusted plugins in single-use sandboxes (Python 3)
 The Python package vortex_sandbox: an asyncio runner and plugin executor for
 applications that loaded their plugins into their own process before.")
if(TARGET vortex_python)
  # An extension is built for one minor version of the interpreter.
  execute_process(COMMAND /usr/bin/python3 -c "import sys; print('%d.%d 3.%d' % (*sys.version_info[:2], sys.version_info[1] + 1))"
    OUTPUT_VARIABLE versions OUTPUT_STRIP_TRAILING_WHITESPACE COMMAND_ERROR_IS_FATAL ANY)
  string(REPLACE " " ";" versions ${versions})
  list(GET versions 0 from)
  list(GET versions 1 below)
  set(CPACK_DEBIAN_${python}_PACKAGE_DEPENDS "python3 (>= ${from}), python3 (<< ${below})")
endif()

# What every package must have: copyright, changelog; and its maintainer scripts.
configure_file(${PROJECT_SOURCE_DIR}/packaging/changelog ${PROJECT_BINARY_DIR}/packaging/changelog.Debian @ONLY)
execute_process(COMMAND gzip -9nkf changelog.Debian WORKING_DIRECTORY ${PROJECT_BINARY_DIR}/packaging
  COMMAND_ERROR_IS_FATAL ANY)
foreach(package ${CPACK_COMPONENTS_ALL})
  set(files ${PROJECT_SOURCE_DIR}/packaging/${package})
  install(FILES ${PROJECT_SOURCE_DIR}/packaging/copyright ${PROJECT_BINARY_DIR}/packaging/changelog.Debian.gz
    DESTINATION ${CMAKE_INSTALL_DATADIR}/doc/${package} COMPONENT ${package})
  if(EXISTS ${files}/lintian-overrides)
    install(FILES ${files}/lintian-overrides DESTINATION ${CMAKE_INSTALL_DATADIR}/lintian/overrides
      RENAME ${package} COMPONENT ${package})
  endif()
  string(TOUPPER ${package} upper)
  set(CPACK_DEBIAN_${upper}_PACKAGE_NAME ${package})
  file(GLOB CPACK_DEBIAN_${upper}_PACKAGE_CONTROL_EXTRA CONFIGURE_DEPENDS
    ${files}/preinst ${files}/postinst ${files}/prerm ${files}/postrm ${files}/triggers)
endforeach()

file(GLOB conffiles CONFIGURE_DEPENDS RELATIVE ${PROJECT_SOURCE_DIR}/packaging ${PROJECT_SOURCE_DIR}/packaging/etc/vortex/*)
list(TRANSFORM conffiles PREPEND /)
list(JOIN conffiles "\n" conffiles)
file(WRITE ${PROJECT_BINARY_DIR}/packaging/conffiles "${conffiles}\n")
list(APPEND CPACK_DEBIAN_${main}_PACKAGE_CONTROL_EXTRA ${PROJECT_BINARY_DIR}/packaging/conffiles)

include(CPack)
