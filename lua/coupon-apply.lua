-- Decides consecutive command records of one coupon partition, all of them or none, by the rules of version 1.
-- The same rules are in C# as CouponModel; a test feeds both the same histories.
-- Invariant: issued never passes quantity, and a coupon once issued stays. Everything is decided before the first write;
-- that write sets `torn` and the last one clears it, because an error in the middle of a script keeps the writes before it.
--
-- KEYS    as in fence.lua
-- ARGV 1  log id, 16 bytes
--      2  token number of the caller
--      3  nonce of the caller, 8 bytes
--      4  offset that must be applied now; the first record has the next one
--      5  id of the record at that offset, 8 bytes
--      6  offset up to which outcomes have been told
--      then for each record: its id, 8 bytes, and its bytes as they are in the log; 'U' for one that cannot be read, '' for one without commands
-- Returns {state} unless HELD (FenceState), else {HELD, outcomes of each record in the layout of CouponOutcomes}
-- Writes  every key

--- include fence.lua
--- include holdings.lua

-- CouponCommandKind
local KIND_OPEN = 1
local KIND_CHANGE = 2
local KIND_CLOSE = 3
local KIND_CLAIM = 7

-- CouponOutcome
local ISSUED = 1
local ISSUED_BEFORE = 2
local CAMPAIGN_UNKNOWN = 10
local NOT_OPEN = 11
local CLOSED = 12
local ALREADY_CLAIMED = 13
local SOLD_OUT = 14
local CAMPAIGN_OPENED = 20
local CAMPAIGN_CHANGED = 21
local CAMPAIGN_CLOSED = 22
local UNCHANGED = 23
local QUANTITY_BELOW_ISSUED = 24
local CHANGE_LIMIT = 25
local CAMPAIGN_LIMIT = 26
local UNDECODABLE = 30

-- CouponState
local STATE_ISSUED = 1

-- CouponLimits
local CHANGES_MAX = 1000
local CAMPAIGNS_MAX = 16384

local RECORD_HEADER_SIZE = 12
local CAMPAIGN_STATE = '>I4I4I2I6I6BI4I6c16'

local log, token, nonce = ARGV[1], tonumber(ARGV[2]), ARGV[3]
local expected, expected_record, told = tonumber(ARGV[4]), ARGV[5], tonumber(ARGV[6])
local FIRST = 7
local record_count = (#ARGV - FIRST + 1) / 2

local concat = table.concat

local state, applied, applied_record, commands, told_before, token_found, nonce_found = look(log)
if state ~= HELD then
  return { state }
end
if token ~= token_found or nonce ~= nonce_found then
  return { token_found > token and TAKEN_OVER or BEHIND }
end
if applied ~= expected then
  return { applied > expected and AHEAD or BEHIND }
end
if applied_record ~= expected_record then
  return { OTHER_RECORD }
end

-- First pass: takes the records apart, so that all that is stored can be fetched in few calls.
-- of, claim, instant, user and root hold one entry per command of the batch. user is the id behind its length, as in a bucket; root is the field of
-- holdings, '' where the campaign does not exist yet. A command that is no claim has its position instead of a claim id, and '' for user and root.

hash_by(log)
local known = {}
local of, claim, instant, user, root = {}, {}, {}, {}, {}
local total = 0
local named, counts = {}, {}

-- The first instant at which claims are refused as closed.
local function set_end(campaign)
  campaign.ends = campaign.closed == 1 and 0 or campaign.closes == 0 and math.huge or campaign.closes
end

local function fetch_campaigns(names)
  for from = 1, #names, CHUNK do
    local to = math.min(from + CHUNK - 1, #names)
    local values = call('HMGET', campaigns, unpack(names, from, to))
    local numbers = {}
    for i = 1, #values do
      numbers[i] = values[i] and sub(values[i], 3, 4) or ''
    end
    local roots = call('HMGET', holdings, unpack(numbers))
    for i = from, to do
      local campaign, value = { id = names[i], stored = false, exists = false }, values[i - from + 1]
      if value then
        campaign.stored, campaign.exists, campaign.packed, campaign.roots = true, true, value, unpack_struct('>I4', roots[i - from + 1])
        campaign.number, campaign.quantity, campaign.per_user, campaign.opens, campaign.closes, campaign.closed,
          campaign.issued, campaign.opened, campaign.seed = unpack_struct(CAMPAIGN_STATE, value)
        set_end(campaign)
      end
      known[names[i]] = campaign
    end
  end
end

local function take_apart(value)
  local position, names, missing, name, count = RECORD_HEADER_SIZE + 1, {}, {}, nil, nil
  count, position = unpack_struct('>I2', value, position)
  for i = 1, count do
    name, position = unpack_struct('Bc0', value, position)
    names[i] = name
    if not known[name] then
      missing[#missing + 1] = name
    end
  end
  fetch_campaigns(missing)
  for i = 1, #names do
    names[i] = known[names[i]]
  end

  local n, index, length, campaign, key = total, nil, nil, nil, nil
  count, position = unpack_struct('>I2', value, position)
  for _ = 1, count do
    local kind = byte(value, position)
    n = n + 1
    if kind == KIND_CLAIM then
      index, instant[n], claim[n], length, position = unpack_struct('>I2I6c8B', value, position + 1)
      campaign, key = names[index + 1], sub(value, position - 1, position + length - 1)
      of[n], user[n] = campaign, key
      root[n] = campaign.stored and root_field(campaign.number, campaign.roots, key) or ''
      position = position + length
    else
      of[n], claim[n], instant[n], user[n], root[n] = names[unpack_struct('>I2', value, position + 1) + 1], position, 0, '', ''
      if kind == KIND_CLOSE then
        position = position + 9
      else
        position = position + (kind == KIND_OPEN and 43 or 27)
        position = position + 2 + unpack_struct('>I2', value, position)
      end
    end
  end
  total = n
  return names, count
end

for r = 1, record_count do
  local value = ARGV[FIRST + 2 * r - 1]
  if #value > 1 then
    named[r], counts[r] = take_apart(value)
  end
end

-- Second pass: decides the commands in order. What is decided is seen by the commands after it through the tables below.

local buckets = {}          -- field of holdings -> its value, where it changes
local opened = {}           -- campaigns that open
local touched = {}          -- campaigns that change
local campaign_count = nil
local parts, part = nil, 0  -- outcomes of the record
local unknown, not_open, closed = char(CAMPAIGN_UNKNOWN), char(NOT_OPEN), char(CLOSED)
local already_claimed, sold_out = char(ALREADY_CLAIMED), char(SOLD_OUT)

local function put_in_force(campaign, offset, index)
  campaign.changes = campaign.changes
    .. pack('>I6I2I2I6I6B', offset, index, campaign.per_user, campaign.opens, campaign.closes, campaign.closed)
  campaign.packed = nil
  campaign.changed = true
  touched[campaign] = true
  set_end(campaign)
end

local function may_change(campaign)
  campaign.changes = campaign.changes or call('HGET', changes, campaign.id)
  return #campaign.changes < CHANGES_MAX * CHANGE_SIZE
end

local function open_campaign(campaign, at, value, position, offset, index)
  campaign_count = campaign_count or call('HLEN', campaigns) - 1
  if campaign_count >= CAMPAIGNS_MAX then
    return CAMPAIGN_LIMIT
  end
  local length
  campaign.quantity, campaign.per_user, campaign.opens, campaign.closes, campaign.seed, length, position =
    unpack_struct('>I4I2I6I6c16I2', value, position)
  campaign.description = sub(value, position, position + length - 1)
  campaign.number, campaign.closed, campaign.issued, campaign.opened = campaign_count, 0, 0, at
  campaign.roots, campaign.exists, campaign.changes = math.min(campaign.quantity, ROOTS_MAX), true, ''
  opened[#opened + 1] = campaign
  campaign_count = campaign_count + 1
  put_in_force(campaign, offset, index)
  return CAMPAIGN_OPENED
end

local function change_campaign(campaign, kind, value, position, offset, index)
  local quantity, per_user, opens, closes = unpack_struct('>I4I2I6I6', value, position)
  local length, start = unpack_struct('>I2', value, position + (kind == KIND_OPEN and 34 or 18))
  local description = sub(value, start, start + length - 1)
  campaign.description = campaign.description or call('HGET', descriptions, campaign.id)
  if quantity == campaign.quantity and per_user == campaign.per_user and opens == campaign.opens and closes == campaign.closes
    and description == campaign.description then
    return UNCHANGED
  end
  if quantity < campaign.issued then
    return QUANTITY_BELOW_ISSUED
  end
  if not may_change(campaign) then
    return CHANGE_LIMIT
  end
  campaign.quantity, campaign.per_user, campaign.opens, campaign.closes, campaign.closed = quantity, per_user, opens, closes, 0
  campaign.description = description
  put_in_force(campaign, offset, index)
  return CAMPAIGN_CHANGED
end

local function close_campaign(campaign, offset, index)
  if campaign.closed == 1 then
    return UNCHANGED
  end
  if not may_change(campaign) then
    return CHANGE_LIMIT
  end
  campaign.closed = 1
  put_in_force(campaign, offset, index)
  return CAMPAIGN_CLOSED
end

local function decide_other(campaign, value, position, offset, index)
  local kind, _, at, settings = unpack_struct('>BI2I6', value, position)
  if kind == KIND_OPEN and not campaign.exists then
    return open_campaign(campaign, at, value, settings, offset, index)
  elseif not campaign.exists then
    return CAMPAIGN_UNKNOWN
  elseif kind == KIND_CLOSE then
    return close_campaign(campaign, offset, index)
  end
  return change_campaign(campaign, kind, value, settings, offset, index)
end

-- The sequence number, 4 bytes, of the coupon that a claim id has won, or nil.
local function won_before(held, id)
  local at = find(held, id, 1, true)
  while at do
    if (at - 13) % COUPON_SIZE == 0 then
      return sub(held, at - 12, at - 9)
    end
    at = find(held, id, at + 1, true)
  end
end

-- Gives a coupon to a user, who holds those from first to last in the bucket under a field, or none.
local function hand_out(coupon, field, bucket, key, first, last)
  if first then
    local count = (last - first + 1) / COUPON_SIZE
    buckets[field] = sub(bucket, 1, first - 3) .. pack('>I2', count + 1) .. sub(bucket, first, last) .. coupon .. sub(bucket, last + 1)
  else
    buckets[field] = (bucket or '') .. key .. '\0\1' .. coupon
  end
end

local n, fetched_from, fetched_to, fetched = 0, 1, 0, nil

local function decide(value, offset, count)
  local packed_offset = pack('>I6', offset)
  for index = 0, count - 1 do
    n = n + 1
    if n > fetched_to then
      fetched_from, fetched_to = n, math.min(n + CHUNK - 1, total)
      fetched = call('HMGET', holdings, unpack(root, fetched_from, fetched_to))
    end
    local campaign, key = of[n], user[n]
    part = part + 1
    if key == '' then
      parts[part] = char(decide_other(campaign, value, claim[n], offset, index))
    elseif not campaign.exists then
      parts[part] = unknown
    else
      local field, bucket, first, last, held = root[n], nil, nil, nil, nil
      if field == '' then
        field = root_field(campaign.number, campaign.roots, key)
        bucket = buckets[field]
      else
        bucket = buckets[field] or fetched[n - fetched_from + 1]
      end
      if bucket and (#bucket >= BUCKET_FULL or find(bucket, key, 1, true)) then
        field, bucket, first, last = find_user(field, bucket, key, buckets)
        held = first and sub(bucket, first, last)
      end
      local at, before = instant[n], held and won_before(held, claim[n])
      if before then
        parts[part] = char(ISSUED_BEFORE) .. before
      elseif at < campaign.opens then
        parts[part] = not_open
      elseif at >= campaign.ends then
        parts[part] = closed
      elseif held and #held >= campaign.per_user * COUPON_SIZE then
        parts[part] = already_claimed
      else
        local sequence = campaign.issued
        if sequence >= campaign.quantity then
          parts[part] = sold_out
        else
          hand_out(pack('>I4c6I2c8I6B', sequence, packed_offset, index, claim[n], at, STATE_ISSUED), field, bucket, key, first, last)
          parts[part] = pack('>BI4', ISSUED, sequence)
          campaign.issued = sequence + 1
          if campaign.packed then
            campaign.packed = nil
            touched[campaign] = true
          end
        end
      end
    end
  end
end

local function describe(record_campaigns)
  local existing, states = 0, {}
  for i = 1, #record_campaigns do
    local campaign = record_campaigns[i]
    if campaign.exists then
      campaign.packed = campaign.packed or pack(CAMPAIGN_STATE, campaign.number, campaign.quantity, campaign.per_user,
        campaign.opens, campaign.closes, campaign.closed, campaign.issued, campaign.opened, campaign.seed)
      existing = existing + 1
      states[existing] = pack('>I2', i - 1) .. campaign.packed
    end
  end
  return pack('>I2', existing) .. concat(states)
end

local answer = { HELD }
for r = 1, record_count do
  local value, offset = ARGV[FIRST + 2 * r - 1], expected + r
  applied_record = ARGV[FIRST + 2 * r - 2]
  if value == '' then
    answer[r + 1] = pack('>I2', 0)
  elseif value == 'U' then
    answer[r + 1] = pack('>I2B', 0, UNDECODABLE)
    commands = commands + 1
  else
    parts, part = {}, 0
    decide(value, offset, counts[r])
    local outcomes = concat(parts)
    answer[r + 1] = describe(named[r]) .. outcomes
    commands = commands + counts[r]
  end
end
applied = expected + record_count
local told_now = math.max(told, told_before)

-- From here on it writes.

local function set_all(key, pairs_flat)
  for from = 1, #pairs_flat, CHUNK do
    call('HSET', key, unpack(pairs_flat, from, math.min(from + CHUNK - 1, #pairs_flat)))
  end
end

call('HSET', meta, 'torn', '1')

local flat, size = {}, 0
for _, campaign in ipairs(opened) do
  flat[size + 1], flat[size + 2] = pack('>I2', campaign.number), pack('>I4', campaign.roots)
  size = size + 2
end
for field, bucket in next, buckets do
  flat[size + 1], flat[size + 2] = field, bucket
  size = size + 2
end
set_all(holdings, flat)

for campaign in next, touched do
  call('HSET', campaigns, campaign.id, campaign.packed)
  if campaign.changed then
    call('HSET', changes, campaign.id, campaign.changes)
    call('HSET', descriptions, campaign.id, campaign.description or call('HGET', descriptions, campaign.id))
  end
end

flat, size = {}, 0
for r = math.max(1, told_now - expected + 1), record_count do
  flat[size + 1], flat[size + 2] = expected + r, answer[r + 1]
  size = size + 2
end
set_all(recent, flat)
for offset = told_before + 1, math.min(told_now, expected) do
  call('HDEL', recent, offset)
end

call('HSET', meta, 'applied', applied, 'record', applied_record, 'commands', commands, 'told', told_now, 'torn', '0')
return answer
