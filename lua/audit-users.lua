-- Reads the coupons of some users of a coupon partition, for an audit.
-- Invariant: writes nothing; everything is of one instant.
--
-- KEYS    as in fence.lua
-- ARGV 1  log id, 16 bytes
--      then fields of users (campaign number u16, user id), at most 1,000
-- Returns {state} unless HELD (FenceState), else {HELD, coupons (27 bytes each) under each field, or false}
-- Writes  nothing

--- include fence.lua
--- include holdings.lua

local log = ARGV[1]

local state = look(log)
if state ~= HELD then
  return { state }
end

hash_by(log)
local roots, keys, fields = {}, {}, {}
for i = 2, #ARGV do
  local campaign, user = sub(ARGV[i], 1, 2), sub(ARGV[i], 3)
  roots[campaign] = roots[campaign] or call('HGET', holdings, campaign) or pack('>I4', 1)
  keys[i - 1] = char(#user) .. user
  fields[i - 1] = stored_root_field(campaign, roots[campaign], keys[i - 1])
end
local answer = { HELD }
local buckets = call('HMGET', holdings, unpack(fields))
for i = 1, #fields do
  answer[i + 1] = read_coupons(fields[i], buckets[i], keys[i]) or false
end
return answer
