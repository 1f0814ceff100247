-- Reads the coupons of some users of a coupon partition, for an audit.
-- Invariant: writes nothing; everything is of one instant.
--
-- KEYS    as in fence.lua
-- ARGV 1  log id, 16 bytes
--      then fields of users (campaign number u16, user id), at most 1,000
-- Returns {state} unless HELD (FenceState), else {HELD, coupons (27 bytes each) under each field, or false}
-- Writes  nothing

--- include fence.lua

local log = ARGV[1]

local state = look(log)
if state ~= HELD then
  return { state }
end

local answer = call('HMGET', users, unpack(ARGV, 2))
table.insert(answer, 1, HELD)
return answer
