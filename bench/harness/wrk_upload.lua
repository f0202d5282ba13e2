-- SPDX-License-Identifier: Apache-2.0
-- As wrk_report.lua, but each request is a POST. Argument: bytes of its body.
dofile(debug.getinfo(1, "S").source:match("^@(.*/)") .. "wrk_report.lua")

init = function(args)
  wrk.method = "POST"
  wrk.body = string.rep("x", tonumber(args[1]))
end
