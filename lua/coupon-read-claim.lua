-- What became of the claim at an address. The same rules are in C# as CouponModel.Read.
-- Invariant: a claim is refused only if its address is applied and the user holds no coupon with its claim id that was issued
-- at or before it; the reason follows from the settings that were in force at the address.
--
-- KEYS    as in fence.lua
-- ARGV 1  log id, 16 bytes
--      2  offset of the claim
--      3  index of the claim within its record
--      4  campaign id
--      5  user id
--      6  claim id, 8 bytes
--      7  instant of the claim, Unix milliseconds
-- Returns {state} unless HELD (FenceState), else {HELD, commands decided, outcome (CouponOutcome; 0 while not applied)}, and
--         with ISSUED and ALREADY_CLAIMED then the campaign's state (49 bytes) and the coupons (27 bytes each): the one won, or those held at the address
-- Writes  nothing

--- include fence.lua
--- include holdings.lua

-- CouponOutcome
local NONE = 0
local ISSUED = 1
local CAMPAIGN_UNKNOWN = 10
local NOT_OPEN = 11
local CLOSED = 12
local ALREADY_CLAIMED = 13
local SOLD_OUT = 14

local log, offset, index = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
local campaign_id, user, claim, instant = ARGV[4], ARGV[5], ARGV[6], tonumber(ARGV[7])

local state, applied, _, commands = look(log)
if state ~= HELD then
  return { state }
end
if applied < offset then
  return { HELD, commands, NONE }
end

-- The settings in force: those of the last change before the address.
local history = call('HGET', changes, campaign_id) or ''
local per_user, opens, closes, closed
for at = #history - CHANGE_SIZE + 1, 1, -CHANGE_SIZE do
  local change_offset, change_index = unpack_struct('>I6I2', history, at)
  if change_offset < offset or (change_offset == offset and change_index < index) then
    per_user, opens, closes, closed = unpack_struct('>I2I6I6B', history, at + 8)
    break
  end
end
if not per_user then
  return { HELD, commands, CAMPAIGN_UNKNOWN }
end

local campaign = call('HGET', campaigns, campaign_id)
hash_by(log)
local number, key = sub(campaign, 3, 4), char(#user) .. user
local root = stored_root_field(number, call('HGET', holdings, number), key)
local held = read_coupons(root, call('HGET', holdings, root), key) or ''
local held_then = 0
for at = 1, #held, COUPON_SIZE do
  local coupon_offset, coupon_index, coupon_claim = unpack_struct('>I6I2c8', held, at + 4)
  if coupon_offset < offset or (coupon_offset == offset and coupon_index <= index) then
    held_then = held_then + 1
    if coupon_claim == claim then
      return { HELD, commands, ISSUED, campaign, sub(held, at, at + COUPON_SIZE - 1) }
    end
  end
end

if instant < opens then
  return { HELD, commands, NOT_OPEN }
elseif closed == 1 or (closes ~= 0 and instant >= closes) then
  return { HELD, commands, CLOSED }
elseif held_then >= per_user then
  -- What the user has got since then is not told: a ticket has one answer for ever. Coupons stand in the order of their addresses.
  return { HELD, commands, ALREADY_CLAIMED, campaign, sub(held, 1, held_then * COUPON_SIZE) }
end
return { HELD, commands, SOLD_OUT }
