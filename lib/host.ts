/** What a Redshift host name says. */
export interface RedshiftHost {
  /** `provisioned`: `name` is a cluster identifier. `serverless`: `name` is a workgroup. */
  readonly kind: 'provisioned' | 'serverless'
  readonly name: string
  readonly region: string
}

/** A host of Redshift's that does not say its workgroup. */
export type NamelessHost = 'old-serverless' | 'managed-vpc-endpoint'

const REGION = '([a-z]{2,}(?:-[a-z]+)+-\\d+)'
const LABEL = '([a-z0-9](?:[a-z0-9-]*[a-z0-9])?)'

// Anchored at both ends: `….redshift.amazonaws.com.attacker.io` is not Redshift's.
const PROVISIONED = new RegExp(`^${LABEL}\\.[a-z0-9]+\\.${REGION}\\.redshift\\.amazonaws\\.com(?:\\.cn)?$`)
// The second spelling in use in China.
const PROVISIONED_CHINA = new RegExp(`^${LABEL}\\.[a-z0-9]+\\.redshift\\.${REGION}\\.amazonaws\\.com\\.cn$`)
const SERVERLESS = new RegExp(`^(?:${LABEL}\\.)?\\d{12}\\.${REGION}\\.redshift-serverless\\.amazonaws\\.com(?:\\.cn)?$`)
// `<name>-endpoint-<hash>.…`: its first part is a name of the endpoint, not the workgroup.
const MANAGED_ENDPOINT = /-endpoint-[a-z0-9]+$/

const fold = (host: string): string => host.toLowerCase().replace(/\.$/, '')

/**
 * Reads cluster or workgroup, and region, off a Redshift host name: `<cluster>.<hash>.<region>.redshift.amazonaws.com` or
 * `<workgroup>.<account>.<region>.redshift-serverless.amazonaws.com`, in China with `.cn`. Case is folded, and one trailing
 * dot allowed.
 *
 * @returns undefined for every other host (an IP address, a tunnel, a custom domain, a VPC endpoint): it says nothing, and
 * nothing is guessed.
 * @see https://docs.aws.amazon.com/redshift/latest/mgmt/connecting-from-psql.html
 */
export function parseRedshiftHost(host: string): RedshiftHost | undefined {
  const folded = fold(host)
  const provisioned = PROVISIONED.exec(folded) ?? PROVISIONED_CHINA.exec(folded)
  if (provisioned?.[1] && provisioned[2]) return { kind: 'provisioned', name: provisioned[1], region: provisioned[2] }
  const serverless = SERVERLESS.exec(folded)
  if (serverless?.[1] && serverless[2] && !MANAGED_ENDPOINT.test(serverless[1]))
    return { kind: 'serverless', name: serverless[1], region: serverless[2] }
  return undefined
}

/** Why a host of Redshift's own says no workgroup, for the error that asks for one; undefined for any other host. */
export function namelessHost(host: string): NamelessHost | undefined {
  const match = SERVERLESS.exec(fold(host))
  if (!match || parseRedshiftHost(host)) return undefined
  return match[1] ? 'managed-vpc-endpoint' : 'old-serverless'
}
