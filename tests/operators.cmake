# SPDX-License-Identifier: Apache-2.0
# What operators are given beside the daemon.
# Prometheus judges the alerting rules, with series of their own.
find_program(PROMTOOL promtool)
if(PROMTOOL)
  foreach(verb IN ITEMS check test)
    set(file alerts$<$<STREQUAL:${verb},test>:_test>.yaml)
    add_test(NAME alert_rules_${verb} COMMAND ${PROMTOOL} ${verb} rules ${CMAKE_SOURCE_DIR}/docs/monitoring/${file})
  endforeach()
else()
  message(WARNING "promtool is missing: the alerting rules are not tested")
endif()

add_test(NAME deployment_documents COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/deployment_docs_test.sh ${CMAKE_SOURCE_DIR} $<TARGET_FILE:gatewhy>)
