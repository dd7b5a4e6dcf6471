import { expect } from 'chai'
import fc from 'fast-check'
import { parseRedshiftHost, parseRegionOnlyHost } from '../lib/host.js'
import { checkClusterIdentifier, checkRegion, checkWorkgroupName } from '../lib/identifiers.js'

const cluster = (name: string, region: string) => ({ kind: 'provisioned', name, region })
const workgroup = (name: string, region: string) => ({ kind: 'serverless', name, region })

describe('the host name of', () => {
  const speaking: [string, string, ReturnType<typeof cluster>][] = [
    [
      'a cluster',
      'examplecluster.abc123xyz789.us-west-2.redshift.amazonaws.com',
      cluster('examplecluster', 'us-west-2'),
    ],
    ['a cluster in GovCloud', 'c-1.abc123.us-gov-west-1.redshift.amazonaws.com', cluster('c-1', 'us-gov-west-1')],
    ['a cluster in China', 'c.abc123.cn-north-1.redshift.amazonaws.com.cn', cluster('c', 'cn-north-1')],
    [
      'a cluster in China, second form',
      'c.abc123.redshift.cn-northwest-1.amazonaws.com.cn',
      cluster('c', 'cn-northwest-1'),
    ],
    [
      'a cluster in the European Sovereign Cloud',
      'c.abc123.eusc-de-east-1.redshift.amazonaws.eu',
      cluster('c', 'eusc-de-east-1'),
    ],
    ['a cluster in an isolated region', 'c.abc123.us-iso-east-1.redshift.c2s.ic.gov', cluster('c', 'us-iso-east-1')],
    [
      'a workgroup in an isolated region',
      'wgx.123456789012.eu-isoe-west-1.redshift-serverless.cloud.adc-e.uk',
      workgroup('wgx', 'eu-isoe-west-1'),
    ],
    [
      'a cluster with a long name',
      `${'c'.repeat(63)}.x.eu-west-1.redshift.amazonaws.com`,
      cluster('c'.repeat(63), 'eu-west-1'),
    ],
    [
      'a workgroup',
      'analytics.123456789012.us-west-2.redshift-serverless.amazonaws.com',
      workgroup('analytics', 'us-west-2'),
    ],
    [
      'a workgroup in China',
      'wg-1.123456789012.cn-north-1.redshift-serverless.amazonaws.com.cn',
      workgroup('wg-1', 'cn-north-1'),
    ],
    [
      'a workgroup that begins with a digit',
      '1-2.123456789012.ap-southeast-4.redshift-serverless.amazonaws.com',
      workgroup('1-2', 'ap-southeast-4'),
    ],
    [
      'a workgroup called endpoint',
      'my-endpoint.123456789012.us-west-2.redshift-serverless.amazonaws.com',
      workgroup('my-endpoint', 'us-west-2'),
    ],
    [
      'a workgroup with endpoint in its name',
      'sales-endpoint-prod.123456789012.us-west-2.redshift-serverless.amazonaws.com',
      workgroup('sales-endpoint-prod', 'us-west-2'),
    ],
  ]
  for (const [what, host, says] of speaking) {
    it(`${what} has its name and region`, () => expect(parseRedshiftHost(host)).to.deep.equal(says))
    it(`${what} is recognized in upper case and with a trailing dot`, () => {
      expect(parseRedshiftHost(host.toUpperCase())).to.deep.equal(says)
      expect(parseRedshiftHost(`${host}.`)).to.deep.equal(says)
      expect(parseRedshiftHost(`${host}..`)).to.equal(undefined)
      expect(parseRegionOnlyHost(host)).to.equal(undefined)
    })
    it(`${what} is not recognized with anything before or after it`, () => {
      const around = [
        (h: string) => `${h}.attacker.io`,
        (h: string) => `${h}.cn.attacker.io`,
        (h: string) => `attacker.io/${h}`,
        (h: string) => `attacker.io#${h}`,
        (h: string) => `alice@${h}`,
        (h: string) => `x.${h}`,
        (h: string) => `.${h}`,
        (h: string) => ` ${h}`,
        (h: string) => `${h} `,
        (h: string) => `${h}\n`,
        (h: string) => `\n${h}`,
        (h: string) => `attacker.io\n${h}`,
        (h: string) => `${h}\nattacker.io`,
        (h: string) => `${h}\0`,
        (h: string) => `${h}:5439`,
        (h: string) => `${h}:5439/dev`,
        (h: string) => `https://${h}`,
        (h: string) => h.replace(/(\.[a-z0-9-]+\.[a-z]+)$/, '\n$1'),
        (h: string) => h.replace('.redshift', 'Xredshift'),
        (h: string) => h.replace(/\.([a-z]+)$/, 'X$1'),
        (h: string) => h.replace(/\.([a-z]+)$/, '-.$1'),
        (h: string) => h.replace('redshift', 'redshift-'),
        (h: string) => h.replace('redshift', 'rdshift'),
        (h: string) => h.replace('.', '。'),
        (h: string) => h.replace('a', 'а'),
        (h: string) => h.replace('s', 'ſ'),
        (h: string) => h.replace('i', 'ı'),
        (h: string) => h.replace('i', 'İ'),
        (h: string) => `\u212A${h.slice(1)}`,
        (h: string) => `\u200B${h}`,
      ]
      for (const change of around) {
        expect(parseRedshiftHost(change(host)), JSON.stringify(change(host))).to.equal(undefined)
        expect(parseRegionOnlyHost(change(host)), JSON.stringify(change(host))).to.equal(undefined)
      }
    })
  }

  const nameless: [string, string, ReturnType<typeof parseRegionOnlyHost>][] = [
    [
      'a workgroup of the old form',
      '123456789012.us-west-2.redshift-serverless.amazonaws.com',
      { form: 'old-serverless', region: 'us-west-2' },
    ],
    [
      'the same in China',
      '123456789012.cn-north-1.redshift-serverless.amazonaws.com.cn',
      { form: 'old-serverless', region: 'cn-north-1' },
    ],
    [
      'a managed VPC endpoint of a workgroup',
      'mine-endpoint-abc123.123456789012.us-west-2.redshift-serverless.amazonaws.com',
      { form: 'managed-vpc-endpoint', region: 'us-west-2' },
    ],
    [
      'a managed VPC endpoint of a cluster',
      'mine-endpoint-abc123.xyz789.eu-west-1.redshift.amazonaws.com',
      { form: 'managed-vpc-endpoint', region: 'eu-west-1' },
    ],
  ]
  for (const [what, host, says] of nameless)
    it(`${what} has a region only`, () => {
      for (const spelling of [host, host.toUpperCase(), `${host}.`]) {
        expect(parseRedshiftHost(spelling)).to.equal(undefined)
        expect(parseRegionOnlyHost(spelling)).to.deep.equal(says)
      }
    })

  const silent = [
    '',
    '.',
    'localhost',
    '127.0.0.1',
    '::1',
    '/var/run/postgresql',
    'db.example.com',
    'vpce-0a1b2c3d-abcdefgh.vpce-svc-0a1b2c3d.us-west-2.vpce.amazonaws.com',
    'my-nlb-0123456789abcdef.elb.us-west-2.amazonaws.com',
    'redshift.us-west-2.amazonaws.com',
    'redshift-serverless.us-west-2.amazonaws.com',
    'x.abc.us-west-2.rds.amazonaws.com',
    'x.us-west-2.redshift.amazonaws.com',
    'x.abc.def.us-west-2.redshift.amazonaws.com',
    'x.abc.us-west.redshift.amazonaws.com',
    'x.abc.us-west-2a.redshift.amazonaws.com',
    'x.abc.redshift.us-west-2.amazonaws.com',
    'x.abc.n.redshift.amazonaws.com',
    '1x.abc.us-west-2.redshift.amazonaws.com',
    'x--y.abc.us-west-2.redshift.amazonaws.com',
    'x-.abc.us-west-2.redshift.amazonaws.com',
    'x_y.abc.us-west-2.redshift.amazonaws.com',
    `${'x'.repeat(64)}.abc.us-west-2.redshift.amazonaws.com`,
    `x.${'a'.repeat(250)}.us-west-2.redshift.amazonaws.com`,
    'wg.123456789012.us-west-2.redshift-serverless.amazonaws.com',
    'wgx.12345678901.us-west-2.redshift-serverless.amazonaws.com',
    'wgx.1234567890123.us-west-2.redshift-serverless.amazonaws.com',
    'wgx.12345678901a.us-west-2.redshift-serverless.amazonaws.com',
    '-wgx.123456789012.us-west-2.redshift-serverless.amazonaws.com',
    'wgx-.123456789012.us-west-2.redshift-serverless.amazonaws.com',
    'wgx.redshift-serverless.us-west-2.amazonaws.com',
    'x.abc.us-west-2.redshift.amazonaws.com.cn',
    'x.abc.us-west-2.redshift.amazonaws.eu',
    'x.abc.cn-north-1.redshift.amazonaws.com',
    'x.abc.redshift.us-west-2.amazonaws.com.cn',
    'x.abc.us-iso-east-1.redshift.sc2s.sgov.gov',
    'wgx.123456789012.us-west-2.redshift-serverless.amazonaws.com.cn',
    '123456789012.eusc-de-east-1.redshift-serverless.amazonaws.com',
  ]
  for (const host of silent)
    it(`something else is not recognized: ${JSON.stringify(host.slice(0, 60))}`, () => {
      expect(parseRedshiftHost(host)).to.equal(undefined)
      expect(parseRegionOnlyHost(host)).to.equal(undefined)
    })
})

describe('parseRedshiftHost', () => {
  const label = fc.stringMatching(/^[a-z0-9-]{1,20}$/)
  const almost = fc
    .array(
      fc.oneof(
        label,
        fc.constantFrom('redshift', 'redshift-serverless', 'amazonaws', 'com', 'cn', 'us-west-2', '123456789012', ''),
        fc.string({ unit: 'grapheme', maxLength: 5 }),
      ),
      { maxLength: 9 },
    )
    .map(parts => parts.join('.'))
  const suffixed = fc
    .tuple(
      fc.oneof(
        label,
        { arbitrary: fc.stringMatching(/^[a-z]{3,9}$/), weight: 3 },
        fc.string({ unit: 'grapheme', maxLength: 8 }),
      ),
      fc.constantFrom('abc123', '123456789012', '123456789012', 'a-b'),
      fc.constantFrom(
        '.us-west-2.redshift.amazonaws.com',
        '.redshift.cn-north-1.amazonaws.com.cn',
        '.eusc-de-east-1.redshift.amazonaws.eu',
        '.eusc-de-east-1.redshift.amazonaws.com',
        '.eu-west-1.redshift-serverless.amazonaws.com',
      ),
      fc.oneof(fc.constantFrom('', '', '.', '.cn', '.attacker.io', '\n'), fc.string({ maxLength: 3 })),
    )
    .map(([name, part, suffix, end]) => `${name}.${part}${suffix}${end}`)

  it('accepts only a suffix of AWS, and only valid names', () => {
    let accepted = 0
    fc.assert(
      fc.property(fc.oneof(fc.string({ unit: 'binary' }), almost, { arbitrary: suffixed, weight: 4 }), host => {
        const parsed = parseRedshiftHost(host)
        const found = parsed ?? parseRegionOnlyHost(host)
        if (!found) return
        accepted++
        expect(host.toLowerCase()).to.match(
          /\.(redshift(-serverless)?\.(amazonaws\.com(\.cn)?|amazonaws\.eu)|redshift\.[a-z0-9-]+\.amazonaws\.com\.cn)\.?$/,
        )
        expect(host).to.match(/^[\x21-\x7e]+$/)
        checkRegion('region', found.region)
        if (parsed?.kind === 'provisioned') checkClusterIdentifier('name', parsed.name)
        if (parsed?.kind === 'serverless') checkWorkgroupName('name', parsed.name)
        expect(parsed === undefined).to.equal(parseRegionOnlyHost(host) !== undefined)
      }),
      { numRuns: 2_000 },
    )
    expect(accepted).to.be.greaterThan(50)
  })

  it('never throws, whatever the input', () => {
    fc.assert(
      fc.property(fc.anything(), value => {
        parseRedshiftHost(value as string)
        parseRegionOnlyHost(value as string)
      }),
    )
  })

  it('parses every valid host back', () => {
    fc.assert(
      fc.property(
        fc.stringMatching(/^[a-z](-?[a-z0-9]){0,30}$/).filter(name => !/-endpoint-/.test(name)),
        fc.stringMatching(/^[a-z0-9]{1,20}$/),
        fc.stringMatching(/^[abd-z][a-z](-gov)?-[a-z]{3,9}-[1-9]$/),
        (name, hash, region) => {
          const parsed = parseRedshiftHost(`${name}.${hash}.${region}.redshift.amazonaws.com`)
          expect(parsed).to.deep.equal(cluster(name, region))
        },
      ),
    )
  })

  it('returns at once for any length', () => {
    const suffix = '.us-west-2.redshift.amazonaws.com'
    for (const unit of ['a', '-', 'a-', 'a.', '.', '1', 'us-', '-endpoint-', 'É', '\n', 'redshift.'])
      for (const size of [1_000, 10_000, 100_000]) {
        const long = unit.repeat(size / unit.length)
        for (const host of [long, long + suffix, `a.${long}${suffix}`, `a.b.${long}`, `${suffix.slice(1)}${long}`]) {
          expect(parseRedshiftHost(host)).to.equal(undefined)
          expect(parseRegionOnlyHost(host)).to.equal(undefined)
        }
      }
  })
})
