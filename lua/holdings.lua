-- Shared piece of the scripts that look at coupons: the coupons that users hold, some users to a field of holdings. With a field for each user
-- a coupon took a third more memory, as Redis spends 50 to 70 bytes on a field beside what is in it (docs/performance.md).
--
-- Fields of holdings:
--   campaign number (2 bytes)                                     -> number of the campaign's roots u32, fixed when it opens
--   campaign number (2 bytes), root u32, steps (1 byte each)      -> bucket
-- A bucket is entries: length of the user's id u8, the id, number of coupons u16, coupons of COUPON_SIZE bytes in the order of their addresses.
-- A user belongs in the root that a hash of the id names. A campaign has as many roots as coupons, so that one or two users share a bucket when it
-- is sold out. A bucket of BUCKET_FULL bytes takes in no further users: they belong in that of its sixteen children which another hash names, and so
-- on. So no user ever moves, how far a quantity may be raised.

local byte, char, find, sub, floor = string.byte, string.char, string.find, string.sub, math.floor

local ROOTS_MAX = 1048576
local BUCKET_FULL = 512
local STEPS_MAX = 8

-- A hash is a polynomial of the id's words, modulo the largest prime of 32 bits, at a point that follows from the log's id: who does not know that
-- cannot choose ids that meet in one bucket. Points have 19 bits, so that no product passes the 53 bits of a Lua number.
local PRIME = 4294967291
local root_point, step_point

local function hash_by(log)
  local first, second = struct.unpack('>I2I2', log)
  root_point, step_point = 262144 + 4 * first + 1, 262144 + 4 * second + 3
end

-- key is an id behind its length, as entries begin.
local function hash(key, point)
  local h, at, left = #key, 2, #key - 1
  while left >= 12 do
    local a, b, c = unpack_struct('>I4I4I4', key, at)
    h = (((h + a) * point % PRIME + b) * point % PRIME + c) * point % PRIME
    at, left = at + 12, left - 12
  end
  while left >= 4 do
    h = (h + unpack_struct('>I4', key, at)) * point % PRIME
    at, left = at + 4, left - 4
  end
  while left > 0 do
    h = (h + byte(key, at)) * point % PRIME
    at, left = at + 1, left - 1
  end
  return h
end

local function root_field(number, roots, key)
  return pack('>I2I4', number, hash(key, root_point) % roots)
end

-- The same with number and roots as they are stored.
local function stored_root_field(number, roots, key)
  return root_field(unpack_struct('>I2', number), unpack_struct('>I4', roots), key)
end

-- The field of the child in which a user belongs whom the bucket under a field, being full, does not take in; nil where there are no more steps.
local function child_field(field, key)
  local steps = #field - 6
  if steps < STEPS_MAX then
    return field .. char(floor(hash(key, step_point) / 16 ^ steps) % 16)
  end
end

-- Where the coupons of a user stand in a bucket: first and last byte, or nil.
local function find_coupons(bucket, key)
  -- Most are in no bucket, which is seen faster so.
  if not find(bucket, key, 1, true) then
    return nil
  end
  local at = 1
  while at <= #bucket do
    local first = at + byte(bucket, at) + 3
    local last = first - 1 + COUPON_SIZE * unpack_struct('>I2', bucket, first - 2)
    if sub(bucket, at, first - 3) == key then
      return first, last
    end
    at = last + 1
  end
end

-- Goes from a bucket (false: there is none) down to the one in which a user is or belongs. Returns its field, it, and where the coupons stand in it.
-- changed has buckets that are not as they are stored.
local function find_user(field, bucket, key, changed)
  while bucket do
    local first, last = find_coupons(bucket, key)
    local child = not first and #bucket >= BUCKET_FULL and child_field(field, key)
    if not child then
      return field, bucket, first, last
    end
    field = child
    bucket = changed[field] or call('HGET', holdings, field)
  end
  return field
end

-- The coupons of a user, given the root's field and its bucket; nil if there are none.
local function read_coupons(field, bucket, key)
  local _, found, first, last = find_user(field, bucket, key, {})
  return first and sub(found, first, last)
end
