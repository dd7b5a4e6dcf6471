import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { RedshiftClient } from '@aws-sdk/client-redshift'
import { RedshiftServerlessClient } from '@aws-sdk/client-redshift-serverless'
import { expect } from 'chai'
import { describeCall } from '../lib/aws/call-description.js'
import { parseRedshiftHost } from '../lib/host.js'
import { PARTITIONS, partitionOf } from '../lib/partitions.js'
import { resolveRequest } from '../lib/resolve-request.js'

interface SdkPartition {
  readonly id: string
  readonly outputs: { readonly dnsSuffix: string }
  readonly regions: Readonly<Record<string, unknown>>
}

/** The SDK's table of endpoints. It exports only a look-up. */
async function sdkPartitions(): Promise<readonly SdkPartition[]> {
  const require = createRequire(createRequire(import.meta.url).resolve('@aws-sdk/client-redshift'))
  const core = dirname(require.resolve('@aws-sdk/core/package.json'))
  const file = join(core, 'dist-es/submodules/client/util-endpoints/lib/aws/partitions.js')
  return (await import(pathToFileURL(file).href)).partitionsInfo.partitions
}

const isRegion = (region: string): boolean => /-\d+$/.test(region)

describe('The partitions', () => {
  let sdk: readonly SdkPartition[]
  let regions: { region: string; id: string; suffix: string }[]

  before(async () => {
    sdk = await sdkPartitions()
    regions = sdk.flatMap(({ id, outputs, regions }) =>
      Object.keys(regions)
        .filter(isRegion)
        .map(region => ({ region, id, suffix: outputs.dnsSuffix })),
    )
  })

  it("match the SDK's own table, each with its suffix", () => {
    const suffixes = (table: readonly (readonly [string, string])[]) => Object.fromEntries(table)
    expect(suffixes(PARTITIONS.map(({ id, suffix }) => [id, suffix]))).to.deep.equal(
      suffixes(sdk.map(({ id, outputs }) => [id, outputs.dnsSuffix])),
    )
  })

  it('are listed in docs/compatibility.md', () => {
    const page = readFileSync(new URL('../docs/compatibility.md', import.meta.url), 'utf8')
    const rows = page.matchAll(/^\| (`aws.*`) \| `([\w.-]+)` \|$/gm)
    const listed = [...rows].flatMap(([, ids = '', suffix]) =>
      [...ids.matchAll(/`([\w-]+)`/g)].map(([, id]) => ({ id, suffix })),
    )
    expect(listed).to.have.deep.members(PARTITIONS.map(({ id, suffix }) => ({ id, suffix })))
  })

  it('contain the regions that the SDK assigns to them', () => {
    expect(regions).to.have.length.greaterThan(40)
    for (const { region, id } of regions) expect(partitionOf(region).id, region).to.equal(id)
  })

  it("have the suffixes of both services' endpoints", () => {
    for (const [service, Client] of [
      ['redshift', RedshiftClient],
      ['redshift-serverless', RedshiftServerlessClient],
    ] as const) {
      const client = new Client({ region: 'us-east-1' })
      for (const { region } of regions) {
        const { url } = client.config.endpointProvider({ Region: region, UseFIPS: false, UseDualStack: false })
        expect(url.hostname).to.equal(`${service}.${region}.${partitionOf(region).suffix}`)
      }
      client.destroy()
    }
  })

  it('determine the host names of their clusters and workgroups', () => {
    const endings = new Set(sdk.map(({ outputs }) => outputs.dnsSuffix))
    for (const { region, suffix } of regions)
      for (const ending of endings) {
        const cluster = parseRedshiftHost(`c.abc123.${region}.redshift.${ending}`)
        const workgroup = parseRedshiftHost(`wg1.123456789012.${region}.redshift-serverless.${ending}`)
        expect(cluster?.region, `${region} ${ending}`).to.equal(ending === suffix ? region : undefined)
        expect(workgroup?.region, `${region} ${ending}`).to.equal(ending === suffix ? region : undefined)
      }
  })

  it('are in the ARNs that a policy must allow', () => {
    for (const { region, id } of regions) {
      const options = { clusterIdentifier: 'examplecluster', region, dbUser: 'alice', database: 'dev' }
      for (const arn of describeCall(resolveRequest(options)).resources)
        expect(arn).to.match(new RegExp(`^arn:${id}:redshift:${region}:<account>:db(user|name):examplecluster/`))
    }
  })
})
