# SPDX-License-Identifier: Apache-2.0
# What `cmake --install` puts where, and the Debian package (`make deb`).
include(GNUInstallDirs)
find_program(GZIP gzip REQUIRED)

install(TARGETS gatewhy RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
install(FILES systemd/gatewhy.service systemd/gatewhy-http.socket systemd/gatewhy-https.socket
        DESTINATION /lib/systemd/system)
install(FILES systemd/gatewhy.yaml DESTINATION /etc/gatewhy)
install(PROGRAMS systemd/certificate-hook DESTINATION ${CMAKE_INSTALL_DATADIR}/gatewhy)
install(FILES systemd/gatewhy.catalog DESTINATION /usr/lib/systemd/catalog OPTIONAL)
install(FILES systemd/gatewhy.bash DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions RENAME gatewhy
        OPTIONAL)
install(FILES docs/monitoring/alerts.yaml docs/monitoring/rules.yaml docs/monitoring/dashboard.json docs/monitoring/fail2ban-gatewhy.conf DESTINATION ${CMAKE_INSTALL_DATADIR}/gatewhy)
file(GLOB documents docs/*.md)
# As in the source, so that the links between them work.
install(FILES README.md DESTINATION ${CMAKE_INSTALL_DOCDIR})
install(FILES ${documents} DESTINATION ${CMAKE_INSTALL_DOCDIR}/docs)
install(FILES docs/kubernetes/gatewhy.yaml DESTINATION ${CMAKE_INSTALL_DOCDIR}/docs/kubernetes)
install(DIRECTORY docs/examples DESTINATION ${CMAKE_INSTALL_DOCDIR}/docs)
install(FILES systemd/debian/copyright DESTINATION ${CMAKE_INSTALL_DOCDIR})

install(FILES systemd/debian/lintian-overrides DESTINATION ${CMAKE_INSTALL_DATADIR}/lintian/overrides RENAME gatewhy)

# Installs `source`, compressed the way Debian wants it, as `name`.gz.
function(install_compressed source name folder)
  set(result ${CMAKE_CURRENT_BINARY_DIR}/package/${name}.gz)
  add_custom_command(OUTPUT ${result} DEPENDS ${source} COMMAND ${GZIP} -9nc ${source} > ${result} VERBATIM)
  set_property(GLOBAL APPEND PROPERTY GATEWHY_PACKAGE_FILES ${result})
  install(FILES ${result} DESTINATION ${folder} OPTIONAL)
endfunction()

file(MAKE_DIRECTORY ${CMAKE_CURRENT_BINARY_DIR}/package)
install_compressed(${CMAKE_SOURCE_DIR}/systemd/debian/changelog changelog.Debian ${CMAKE_INSTALL_DOCDIR})
file(GLOB manuals CONFIGURE_DEPENDS docs/man/*.[158] docs/man/*.7)
foreach(manual IN LISTS manuals)
  get_filename_component(name ${manual} NAME)
  string(REGEX MATCH "[0-9]$" section ${name})
  install_compressed(${manual} ${name} ${CMAKE_INSTALL_MANDIR}/man${section})
endforeach()

# The schemas are what this binary says they are.
foreach(schema IN ITEMS config event)
  set(result ${CMAKE_CURRENT_BINARY_DIR}/package/${schema}.schema.json)
  set(option $<$<STREQUAL:${schema},event>:--event>)
  add_custom_command(OUTPUT ${result} DEPENDS gatewhy COMMAND gatewhy schema ${option} > ${result}
                     COMMAND_EXPAND_LISTS VERBATIM)
  set_property(GLOBAL APPEND PROPERTY GATEWHY_PACKAGE_FILES ${result})
  install(FILES ${result} DESTINATION ${CMAKE_INSTALL_DATADIR}/gatewhy OPTIONAL)
endforeach()
get_property(package_files GLOBAL PROPERTY GATEWHY_PACKAGE_FILES)
add_custom_target(package_files DEPENDS ${package_files})

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_CONTACT "gatewhy maintainers <maintainers@gatewhy.example>")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "reverse proxy that says why an origin failed")
set(CPACK_PACKAGE_DESCRIPTION
    "gatewhy forwards HTTP to origins. When one fails, it answers with the gateway\n\
code that fits what was observed (502, 503, 504, 520 to 526), and writes one\n\
structured event with the evidence: errno, ICMP message, TLS alert, certificate\n\
dates, the octet where a response stopped being HTTP, the timer that ran out.")
set(CPACK_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_SET_DESTDIR ON)
set(CPACK_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE
                                                WORLD_READ WORLD_EXECUTE)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_RELEASE 1)
set(CPACK_DEBIAN_PACKAGE_SECTION httpd)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_DEPENDS "ca-certificates")
set(CPACK_DEBIAN_PACKAGE_CONTROL_EXTRA
    ${CMAKE_SOURCE_DIR}/systemd/debian/conffiles ${CMAKE_SOURCE_DIR}/systemd/debian/postinst
    ${CMAKE_SOURCE_DIR}/systemd/debian/prerm ${CMAKE_SOURCE_DIR}/systemd/debian/postrm)
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
include(CPack)
