# SPDX-License-Identifier: Apache-2.0
# Manual pages through groff's warnings, the journal's catalogue through
# journalctl. That their texts are those of the tables, unit tests show.
add_test(NAME documents COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/check_documents.sh ${CMAKE_SOURCE_DIR})
