# SPDX-License-Identifier: Apache-2.0
# Includes point one way: daemon -> proxy -> config -> diagnostics, and inside
# proxy: client -> exchange -> origin -> net -> loop, http alone. `diagnostics` and
# `http` touch no socket. Status numbers of gateway failures are written in
# diagnostics only.
add_test(NAME layers COMMAND ${CMAKE_COMMAND} -DROOT=${CMAKE_SOURCE_DIR} -P ${CMAKE_CURRENT_SOURCE_DIR}/check_layers.cmake)

# Every header compiles alone.
if(NOT GATEWHY_SANITIZE AND NOT GATEWHY_FUZZ)
  add_test(NAME headers_alone COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/check_headers.sh ${CMAKE_SOURCE_DIR} ${CMAKE_CXX_COMPILER})
  set_tests_properties(headers_alone PROPERTIES TIMEOUT 1200)
endif()
