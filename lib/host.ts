import { PARTITIONS, partitionOf } from './partitions.js'

/** What a Redshift host name says. */
export interface RedshiftHost {
  /** `provisioned`: `name` is a cluster identifier. `serverless`: `name` is a workgroup. */
  readonly kind: 'provisioned' | 'serverless'
  readonly name: string
  readonly region: string
}

/** A host of Redshift's own that says its region, but neither cluster nor workgroup. */
export interface NamelessHost {
  readonly form: 'old-serverless' | 'managed-vpc-endpoint'
  readonly region: string
}

const REGION = '([a-z]{2,}(?:-[a-z]+)+-\\d+)'
const CLUSTER = '(?=[^.]{1,63}\\.)([a-z](?:-?[a-z0-9])*)'
const WORKGROUP = '(?=[^.]{3,63}\\.)([a-z0-9](?:[a-z0-9-]*[a-z0-9]))'
const SUFFIX = `(${[...new Set(PARTITIONS.map(({ suffix }) => suffix.replaceAll('.', '\\.')))].join('|')})`

// Anchored at both ends: `….redshift.amazonaws.com.attacker.io` is not Redshift's. The flag folds ASCII only, where
// toLowerCase would take the Kelvin sign for a k.
const PROVISIONED = new RegExp(`^${CLUSTER}\\.[a-z0-9]+\\.${REGION}\\.redshift\\.${SUFFIX}\\.?$`, 'i')
// The second spelling in use in China.
const PROVISIONED_CHINA = new RegExp(
  `^${CLUSTER}\\.[a-z0-9]+\\.redshift\\.${REGION}\\.(amazonaws\\.com\\.cn)\\.?$`,
  'i',
)
const SERVERLESS = new RegExp(`^(?:${WORKGROUP}\\.)?\\d{12}\\.${REGION}\\.redshift-serverless\\.${SUFFIX}\\.?$`, 'i')
// `<name>-endpoint-<hash>.…`: its first part is a name of the endpoint, not the cluster or workgroup. AWS's hashes are long and mixed;
// a workgroup may be called `sales-endpoint-prod`.
const MANAGED_ENDPOINT = /-endpoint-(?=[a-z]*\d)[a-z0-9]{6,}$|-endpoint-[a-z0-9]{16,}$/

const LONGEST = 254

function read(host: unknown): { kind: RedshiftHost['kind']; name: string | undefined; region: string } | undefined {
  if (typeof host !== 'string' || host.length > LONGEST) return undefined
  const provisioned = PROVISIONED.exec(host) ?? PROVISIONED_CHINA.exec(host)
  const [, name, region, suffix] = (provisioned ?? SERVERLESS.exec(host) ?? []).map(part => part?.toLowerCase())
  // A region of one partition under another's suffix is nobody's host.
  return region === undefined || partitionOf(region).suffix !== suffix
    ? undefined
    : { kind: provisioned ? 'provisioned' : 'serverless', name, region }
}

/**
 * Reads cluster or workgroup, and region, off a Redshift host name: `<cluster>.<hash>.<region>.redshift.amazonaws.com` or
 * `<workgroup>.<account>.<region>.redshift-serverless.amazonaws.com`. In other partitions the name ends as the SDK's own table
 * says: `amazonaws.com.cn`, `amazonaws.eu`, `c2s.ic.gov` … Region and ending must be of one partition. Case is folded, and one
 * trailing dot allowed.
 *
 * @returns undefined for every other host (an IP address, a tunnel, a custom domain, a VPC endpoint): it says nothing, and
 * nothing is guessed.
 * @see https://docs.aws.amazon.com/redshift/latest/mgmt/connecting-from-psql.html
 */
export function parseRedshiftHost(host: string): RedshiftHost | undefined {
  const { kind, name, region } = read(host) ?? {}
  return kind && name && region && !MANAGED_ENDPOINT.test(name) ? { kind, name, region } : undefined
}

/** What a host of Redshift's own says that names neither cluster nor workgroup; undefined for any other host. */
export function namelessHost(host: string): NamelessHost | undefined {
  const { name, region } = read(host) ?? {}
  if (!region || parseRedshiftHost(host)) return undefined
  return { form: name === undefined ? 'old-serverless' : 'managed-vpc-endpoint', region }
}
