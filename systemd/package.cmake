# SPDX-License-Identifier: BSD-2-Clause
# The Debian package: what it holds beside the program, and what CPack needs to know. `./dev deb` builds and checks it.
# Paths are Debian's, whatever the prefix.
set(CPACK_PACKAGE_CONTACT "the rolecall developers <rolecall@packages.invalid>")
set(DOC_FOLDER ${CMAKE_INSTALL_DATADIR}/doc/rolecall)

add_custom_command(
  TARGET rolecall POST_BUILD
  COMMAND rolecall config default > ${CMAKE_BINARY_DIR}/rolecall.json
  VERBATIM)
install(FILES ${CMAKE_BINARY_DIR}/rolecall.json DESTINATION /etc/rolecall)
install(FILES systemd/rolecall.logrotate DESTINATION /etc/logrotate.d RENAME rolecall)
install(FILES systemd/rolecall.service systemd/rolecall@.service DESTINATION /lib/systemd/system)
install(FILES systemd/rolecall.sysusers DESTINATION /usr/lib/sysusers.d RENAME rolecall.conf)
install(FILES systemd/rolecall.tmpfiles DESTINATION /usr/lib/tmpfiles.d RENAME rolecall.conf)
install(FILES systemd/network.conf systemd/README.md pcaps/contoso.site.json pcaps/sfb-site-violations.pcap
        DESTINATION ${DOC_FOLDER}/examples)
install(FILES README.md SECURITY.md NEWS.md DESTINATION ${DOC_FOLDER})
file(GLOB PAGES docs/*.md docs/*.json)
install(FILES ${PAGES} DESTINATION ${DOC_FOLDER}/docs)

file(READ LICENSE LICENSE_TEXT)
string(REGEX MATCH "Copyright \\(c\\) ([^\n]+)" unused "${LICENSE_TEXT}")
set(HOLDER ${CMAKE_MATCH_1})
string(REGEX REPLACE "^.*reserved\\.\n\n|^[^\n]*\n\nCopyright[^\n]*\n\n" "" LICENSE_TEXT "${LICENSE_TEXT}")
string(STRIP "${LICENSE_TEXT}" LICENSE_TEXT)
string(REPLACE "\n\n" "\n.\n" LICENSE_TEXT "${LICENSE_TEXT}")
string(REPLACE "\n" "\n " LICENSE_TEXT " ${LICENSE_TEXT}")
file(WRITE ${CMAKE_BINARY_DIR}/copyright
  "Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/\nUpstream-Name: rolecall\n\nFiles: *\n"
  "Copyright: ${HOLDER}\nLicense: BSD-2-Clause\n${LICENSE_TEXT}\n")
string(TIMESTAMP TODAY "%a, %d %b %Y %H:%M:%S +0000" UTC) # SOURCE_DATE_EPOCH is honoured
file(WRITE ${CMAKE_BINARY_DIR}/changelog
  "rolecall (${PROJECT_VERSION}) unstable; urgency=medium\n\n  * What changed: NEWS.md.\n\n -- ${CPACK_PACKAGE_CONTACT}  ${TODAY}\n")
install(FILES ${CMAKE_BINARY_DIR}/copyright ${CMAKE_BINARY_DIR}/changelog DESTINATION ${DOC_FOLDER})

# One package of everything but the library and its headers.
set(CPACK_GENERATOR DEB)
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_COMPONENTS_ALL Unspecified)
set(CPACK_COMPONENTS_GROUPING ALL_COMPONENTS_IN_ONE)
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE WORLD_READ
                                                WORLD_EXECUTE)
set(CPACK_STRIP_FILES ON)
set(CPACK_PRE_BUILD_SCRIPTS ${CMAKE_SOURCE_DIR}/systemd/deb/compress.cmake)
set(CPACK_PACKAGE_NAME rolecall)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION net)
set(CPACK_DEBIAN_PACKAGE_PRIORITY optional)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_DEPENDS "systemd | systemd-standalone-sysusers | systemd-sysusers, init-system-helpers (>= 1.54)")
set(CPACK_DEBIAN_PACKAGE_SUGGESTS "logrotate")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "compliance monitor for Skype for Business and Lync ports")
set(CPACK_DEBIAN_PACKAGE_DESCRIPTION
  "rolecall watches a mirror port, or reads capture files, recognises what each
flow speaks by its bytes, and judges it against the documented ports of Skype
for Business Server and Lync Server: which role may use which port, with
which protocol, in which direction.

Findings are JSON events in the Elastic Common Schema, or CEF, for a SIEM. The
daemon runs without root in a sandbox, and sends nothing into the network that
it watches.")
foreach(script postinst prerm postrm conffiles)
  list(APPEND CPACK_DEBIAN_PACKAGE_CONTROL_EXTRA ${CMAKE_SOURCE_DIR}/systemd/deb/${script})
endforeach()
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
include(CPack)
