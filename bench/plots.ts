import type { FleetPlot } from './fleet.js'
import type { OutagePlot } from './outage.js'
import type { RotationPlot } from './rotation.js'
import { line, picture, polyline, rect, strokes, text } from './svg.js'

const WIDTH = 860
const LEFT = 60
const RIGHT = 24
const OURS = '#2e7d5b'
const OTHERS = ['#8c8c8c', '#d9982b', '#b3413a', '#6d4c9f']
const INK = { fill: '#333333' }
const FAINT = '#dddddd'

const isOurs = (name: string): boolean => name.includes('edshift')

/** This package in green, the others in their order. */
function colours(names: readonly string[]): Map<string, string> {
  const others = names.filter(name => !isOurs(name))
  return new Map(names.map(name => [name, isOurs(name) ? OURS : (OTHERS[others.indexOf(name)] ?? '#444444')]))
}

/** Names and their colours, in rows of three. */
const legend = (colour: ReadonlyMap<string, string>, top: number): string[] =>
  [...colour].flatMap(([name, fill], i) => {
    const [x, y] = [LEFT + (i % 3) * 270, top + Math.floor(i / 3) * 22]
    return [rect(x, y - 9, 10, 10, fill), text(x + 15, y, name, INK)]
  })

/** A row for each contestant, with the slowest connection in each quarter of a second. */
export function drawRotation({ bucketMillis, lines }: RotationPlot): string {
  const names = Object.keys(lines).filter(name => !name.endsWith('once more'))
  const buckets = Math.max(...Object.values(lines).map(values => values.length))
  const top = 500
  const [rowHeight, gap, first] = [84, 30, 78]
  const width = WIDTH - LEFT - RIGHT
  const colour = colours(names)
  const rows = names.flatMap((name, row) => {
    const base = first + row * (rowHeight + gap) + rowHeight
    const points = (lines[name] ?? []).flatMap((millis, bucket): [number, number][] =>
      millis === null
        ? []
        : [[LEFT + ((bucket + 0.5) / buckets) * width, base - (Math.min(millis, top) / top) * rowHeight]],
    )
    return [
      text(LEFT, base - rowHeight - 6, name, { ...INK, 'font-weight': 600 }),
      ...[0, 250, 500].flatMap(millis => {
        const y = base - (millis / top) * rowHeight
        return [
          line(LEFT, y, WIDTH - RIGHT, y, FAINT),
          text(LEFT - 8, y + 4, `${millis}`, { ...INK, 'text-anchor': 'end' }),
        ]
      }),
      strokes(base, points, colour.get(name) ?? '', Math.max(1, (width / buckets) * 0.8)),
    ]
  })
  const seconds = (buckets * bucketMillis) / 1_000
  const bottom = first + names.length * (rowHeight + gap) - gap
  const axis = Array.from({ length: Math.floor(seconds / 10) + 1 }, (_, i) =>
    text(LEFT + ((i * 10) / seconds) * width, bottom + 18, `${i * 10} s`, { ...INK, 'text-anchor': 'middle' }),
  )
  return picture(
    WIDTH,
    bottom + 36,
    'Opening a connection while logins rotate: milliseconds, the slowest of each quarter of a second',
    'Every rotation is a spike as high as the response time of AWS, except with pg-redshift-iam and with a fixed password.',
    [text(24, 50, 'AWS responds in 300 ms; logins are valid for 5 s', { fill: '#666666' }), ...rows, ...axis],
  )
}

/** Bars for each length of the outage, in a panel for each lifetime. */
export function drawOutage({ bars }: OutagePlot): string {
  const names = [...new Set(bars.map(({ strategy }) => strategy))]
  const lifetimes = [...new Set(bars.map(({ lifetimeSeconds }) => lifetimeSeconds))]
  const outages = [...new Set(bars.map(({ outageSeconds }) => outageSeconds))]
  const top = Math.max(...bars.map(({ worst }) => worst)) * 1.1
  const colour = colours(names)
  const [panelHeight, panelGap, first] = [190, 66, 130]
  const group = (WIDTH - LEFT - RIGHT) / outages.length
  const bar = (group - 30) / names.length
  const panels = lifetimes.flatMap((lifetime, panel) => {
    const base = first + panel * (panelHeight + panelGap) + panelHeight
    const columns = bars
      .filter(({ lifetimeSeconds }) => lifetimeSeconds === lifetime)
      .flatMap(({ strategy, outageSeconds, worst }) => {
        const x = LEFT + outages.indexOf(outageSeconds) * group + 15 + names.indexOf(strategy) * bar
        const height = (worst / top) * panelHeight
        return [
          rect(x, base - height, bar - 4, height, colour.get(strategy) ?? ''),
          text(x + bar / 2 - 2, base - height - 4, `${worst}`, {
            fill: colour.get(strategy) ?? '',
            'text-anchor': 'middle',
            ...(isOurs(strategy) && { 'font-weight': 700 }),
          }),
        ]
      })
    return [
      text(LEFT, base - panelHeight - 14, `logins live for ${lifetime} s`, { ...INK, 'font-weight': 600 }),
      line(LEFT, base, WIDTH - RIGHT, base, '#999999'),
      ...columns,
      ...outages.map((seconds, i) =>
        text(LEFT + (i + 0.5) * group, base + 18, `AWS fails for ${seconds} s`, { ...INK, 'text-anchor': 'middle' }),
      ),
    ]
  })
  return picture(
    WIDTH,
    first + lifetimes.length * (panelHeight + panelGap) - panelGap + 36,
    'Connections that fail when AWS fails for a while, one being opened each second, at the worst moment',
    'pg-redshift-iam loses none for outages up to a quarter of the lifetime, and the fewest beyond.',
    [...legend(colour, 56), ...panels],
  )
}

/** API calls per second over the hours, on a logarithmic scale. */
export function drawFleet({ bucketSeconds, lines }: FleetPlot): string {
  const names = Object.keys(lines)
  const colour = colours(names)
  const [top, height, first] = [2_000, 240, 84]
  const base = first + height
  const width = WIDTH - LEFT - RIGHT
  const y = (calls: number): number => base - (Math.log10(Math.max(1, calls)) / Math.log10(top)) * height
  const hours = ((lines[names[0] ?? '']?.length ?? 0) * bucketSeconds) / 3_600
  const x = (bucket: number): number => LEFT + ((bucket * bucketSeconds) / 3_600 / hours) * width
  const marks = Array.from({ length: hours * 2 + 1 }, (_, i) => i / 2)
  return picture(
    WIDTH,
    base + 36,
    'API calls per second of 5,000 processes that start within 5 seconds',
    'With a fixed margin, the whole fleet asks AWS at the same moment, again and again. With pg-redshift-iam the calls spread out.',
    [
      ...legend(colour, 56),
      ...[1, 10, 100, 1_000].flatMap(calls => [
        line(LEFT, y(calls), WIDTH - RIGHT, y(calls), FAINT),
        text(LEFT - 8, y(calls) + 4, calls.toLocaleString('en'), { ...INK, 'text-anchor': 'end' }),
      ]),
      ...[...names].reverse().map(name =>
        polyline(
          (lines[name] ?? []).map((calls, bucket) => [x(bucket + 0.5), y(calls)]),
          colour.get(name) ?? '',
        ),
      ),
      ...marks.map(hour =>
        text(LEFT + (hour / hours) * width, base + 18, `${hour} h`, { ...INK, 'text-anchor': 'middle' }),
      ),
    ],
  )
}
