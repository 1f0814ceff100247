-- Goes through all users of a coupon partition that hold coupons, for an audit.
-- Invariant: writes nothing. Every user who is there from the first call to the last is returned at least once.
--
-- KEYS    as in fence.lua
-- ARGV 1  log id, 16 bytes
--      2  cursor of the call before, 0 at first
-- Returns {state} unless HELD (FenceState), else {HELD, cursor (0: that was the end), then field and coupons (27 bytes each) of some users}
-- Writes  nothing

--- include fence.lua

local log, cursor = ARGV[1], ARGV[2]

local state = look(log)
if state ~= HELD then
  return { state }
end

local found = call('HSCAN', users, cursor, 'COUNT', CHUNK)
local answer, n = { HELD, found[1] }, 2
for i = 1, #found[2], 2 do
  if found[2][i] ~= '' then
    answer[n + 1], answer[n + 2] = found[2][i], found[2][i + 1]
    n = n + 2
  end
end
return answer
