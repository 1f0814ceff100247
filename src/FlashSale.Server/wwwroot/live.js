// The live view of all campaigns. What the server sends is put into the page as text only, never as markup.

const RATE_WINDOW_MS = 5_000;
const PARTITIONS_EVERY_MS = 2_000;
const RETRY_MS = 2_000;
// After a (re)connection a server that is ready sends every campaign at once; what has not come by then is gone.
const SNAPSHOT_MS = 3_000;
const LATE_SECONDS = 1;
const STATES = { scheduled: 'scheduled', open: 'open', 'sold-out': 'sold out', closed: 'closed' };

const number = new Intl.NumberFormat('en-US');
const decimal = new Intl.NumberFormat('en-US', { maximumFractionDigits: 1 });
const instant = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'medium' });
const byId = id => document.getElementById(id);

const campaigns = new Map();
const changed = new Set();
let drawing = false;

class Row {
  constructor() {
    this.element = byId('row').content.firstElementChild.cloneNode(true);
    this.cells = {};
    for (const name of ['name', 'id', 'when', 'state', 'fill', 'percent', 'issued', 'remaining', 'quantity', 'rate', 'commands', 'seconds'])
      this.cells[name] = this.element.querySelector('.' + name);
    this.samples = [];
    this.rate = 0;
  }

  take(campaign, now) {
    this.campaign = campaign;
    this.seenAt = now;
    this.measure(now);
  }

  // Coupons issued per second over the window, or since the first sample.
  measure(now) {
    const last = this.samples.at(-1);
    if (!last || now - last.at >= 100)
      this.samples.push({ at: now, issued: this.campaign.issued });
    // One sample at or before the window's start stays, so that the window is always full.
    while (this.samples.length > 2 && this.samples[1].at <= now - RATE_WINDOW_MS)
      this.samples.shift();
    const first = this.samples[0];
    const seconds = Math.max(1, (now - first.at) / 1000);
    const rate = Math.max(0, this.campaign.issued - first.issued) / seconds;
    const differs = rate !== this.rate;
    this.rate = rate;
    return differs;
  }

  draw() {
    const { campaign, cells } = this;
    const share = campaign.quantity > 0 ? campaign.issued / campaign.quantity : 0;
    this.element.dataset.state = campaign.state;
    text(cells.name, campaign.name);
    text(cells.id, campaign.campaignId);
    text(cells.when, whenText(campaign));
    text(cells.state, STATES[campaign.state] ?? campaign.state);
    cells.fill.style.width = `${Math.min(1, share) * 100}%`;
    cells.fill.classList.toggle('none', share === 0);
    // 100% means that nothing is left, 0% that nothing is issued.
    const percent = share * 100;
    text(cells.percent, percent > 99.9 && percent < 100 ? '>99.9%' : percent > 0 && percent < 0.1 ? '<0.1%' : decimal.format(percent) + '%');
    text(cells.issued, number.format(campaign.issued));
    text(cells.remaining, number.format(campaign.remaining));
    text(cells.quantity, number.format(campaign.quantity));
    text(cells.rate, rateText(this.rate));
    text(cells.commands, number.format(campaign.lag.commands));
    text(cells.seconds, campaign.lag.seconds.toFixed(2));
    cells.seconds.classList.toggle('late', campaign.lag.seconds >= LATE_SECONDS);
  }
}

function text(element, value) {
  if (element.textContent !== value)
    element.textContent = value;
}

function rateText(rate) {
  return rate >= 10 ? number.format(Math.round(rate)) : decimal.format(rate);
}

function whenText(campaign) {
  if (campaign.state === 'scheduled' && campaign.opensAt)
    return 'opens ' + instant.format(new Date(campaign.opensAt));
  return campaign.closesAt && campaign.state !== 'closed' ? 'closes ' + instant.format(new Date(campaign.closesAt)) : '';
}

function take(campaign) {
  let row = campaigns.get(campaign.campaignId);
  if (!row) {
    row = new Row();
    campaigns.set(campaign.campaignId, row);
    // The oldest is sent first, so the newest ends up on top.
    byId('rows').prepend(row.element);
  }

  row.take(campaign, performance.now());
  draw(row);
}

function draw(row) {
  changed.add(row);
  if (drawing)
    return;
  drawing = true;
  requestAnimationFrame(() => {
    drawing = false;
    for (const dirty of changed)
      dirty.draw();
    changed.clear();
    drawTotals();
  });
}

function drawTotals() {
  let open = 0, issued = 0, quantity = 0, rate = 0, age = 0;
  for (const row of campaigns.values()) {
    open += row.campaign.state === 'open' ? 1 : 0;
    issued += row.campaign.issued;
    quantity += row.campaign.quantity;
    rate += row.rate;
  }

  text(byId('total-open'), number.format(open));
  text(byId('total-campaigns'), number.format(campaigns.size));
  text(byId('total-issued'), number.format(issued));
  text(byId('total-quantity'), number.format(quantity));
  text(byId('total-rate'), rateText(rate));
  // The lag is that of a campaign's partition, which several may share: the largest, not the sum.
  let commands = 0;
  for (const { campaign } of campaigns.values()) {
    commands = Math.max(commands, campaign.lag.commands);
    age = Math.max(age, campaign.lag.seconds);
  }

  text(byId('total-lag'), number.format(commands));
  text(byId('total-lag-age'), commands > 0 ? `in one partition, ${age.toFixed(2)} s` : 'nothing waits');
  byId('total-lag').classList.toggle('late', age >= LATE_SECONDS);
  byId('empty').hidden = campaigns.size > 0;
  byId('campaigns').hidden = campaigns.size === 0;
}

let opened = 0;

function connected(state, message) {
  byId('connection').dataset.state = state;
  const times = opened > 1 ? ` · reconnected ${opened === 2 ? 'once' : `${opened - 1} times`}` : '';
  text(byId('connection-text'), message + times);
}

function connect() {
  const source = new EventSource('api/live?topics=campaigns');
  source.addEventListener('open', () => {
    opened++;
    connected('live', 'live');
    const openedAt = performance.now();
    setTimeout(() => forget(source, openedAt), SNAPSHOT_MS);
  });
  source.addEventListener('campaign', event => take(JSON.parse(event.data)));
  source.addEventListener('error', () => {
    connected('lost', 'connection lost, trying again');
    // The browser itself tries again after a lost connection, but not after a refusal (the server may be starting).
    if (source.readyState === EventSource.CLOSED)
      setTimeout(connect, RETRY_MS);
  });
}

async function forget(source, openedAt) {
  if (source.readyState !== EventSource.OPEN)
    return;
  // While a partition is being rebuilt, its campaigns are not sent, but they are not gone.
  const ready = await fetch('health/ready', { cache: 'no-store' }).then(response => response.ok, () => false);
  if (!ready) {
    setTimeout(() => forget(source, openedAt), SNAPSHOT_MS);
    return;
  }

  for (const [id, row] of campaigns) {
    if (row.seenAt < openedAt) {
      row.element.remove();
      changed.delete(row);
      campaigns.delete(id);
    }
  }

  drawTotals();
}

async function showPartitions() {
  if (!document.hidden) {
    try {
      const response = await fetch('api/admin/partitions', { cache: 'no-store' });
      // Where a key is required, the page shows the campaigns only.
      if (response.status === 401 || response.status === 403) {
        byId('partitions').hidden = true;
        return;
      }

      if (response.ok)
        drawPartitions((await response.json()).partitions);
    } catch {
      // The connection's state says already that the server is away.
    }
  }

  setTimeout(showPartitions, PARTITIONS_EVERY_MS);
}

function drawPartitions(partitions) {
  const list = byId('partition-list');
  byId('partitions').hidden = partitions.length === 0;
  while (list.children.length > partitions.length)
    list.lastElementChild.remove();
  partitions.forEach((partition, index) => {
    let item = list.children[index];
    if (!item) {
      item = document.createElement('li');
      item.append(document.createElement('b'), document.createElement('span'), document.createElement('span'));
      item.children[2].className = 'reason';
      list.append(item);
    }

    item.dataset.state = partition.state;
    text(item.children[0], String(partition.partition));
    const target = partition.state === 'rebuilding' && partition.rebuildTo != null ? ` ${number.format(partition.applied)} of ${number.format(partition.rebuildTo)}` : '';
    text(item.children[1], partition.state + target);
    const ledger = partition.ledgerState && partition.ledgerState !== 'running' && partition.ledgerState !== 'stopped' ? `ledger ${partition.ledgerState}` : '';
    text(item.children[2], [partition.reason, partition.lagRecords > 0 ? `${number.format(partition.lagRecords)} ${partition.lagRecords === 1 ? 'record' : 'records'} behind` : '', ledger].filter(Boolean).join(' · '));
  });
}

setInterval(() => {
  const now = performance.now();
  for (const row of campaigns.values()) {
    if (row.measure(now))
      draw(row);
  }
}, 1_000);

connect();
showPartitions();
