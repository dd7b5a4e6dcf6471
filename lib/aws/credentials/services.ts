import { partitionOf } from '../../partitions.js'
import type { SdkError } from '../scrub.js'
import { containerEndpoint, type Source, type SourceKind } from './sources.js'

/** The service that provides AWS credentials, for messages, and the remedy if it does not respond. */
interface Provider {
  readonly name: string
  readonly remedy: string
}

const STS: readonly SourceKind[] = ['role', 'web identity']
/** Sources whose errors a provider of the SDK wraps in its own. */
const WRAPPED: readonly SourceKind[] = [
  'SSO',
  'aws login',
  'task role',
  'pod identity',
  'container endpoint',
  'process',
]
/** All sources that wait for something. */
const REMOTE: readonly SourceKind[] = [...WRAPPED, ...STS, 'own', 'instance']

/**
 * Finds the service that failed to provide AWS credentials or, without an error, the one that has not responded. Undefined if no source
 * waits for a service.
 */
export function providerOf(
  error: SdkError | undefined,
  sources: readonly Source[],
  region: string | undefined,
): Provider | undefined {
  const wrapped = /ProviderError$/.test(error?.name ?? '')
  const kinds = error === undefined ? [...WRAPPED, ...STS] : wrapped ? WRAPPED : STS
  const source = sources.find(({ kind }) => kinds.includes(kind)) ?? sources.find(({ kind }) => REMOTE.includes(kind))
  switch (source?.kind) {
    case 'role':
    case 'web identity':
      return {
        name: `AWS STS at ${stsEndpoint(region)}`,
        remedy: 'Check the network path to it; a private subnet needs a NAT gateway or the VPC endpoint for sts.',
      }
    case 'SSO':
      return {
        name: 'IAM Identity Center (SSO)',
        remedy: 'Check the network path to it and the sso_region of the profile; a private subnet needs a NAT gateway.',
      }
    case 'aws login':
      return {
        name: 'the AWS sign-in service',
        remedy: 'Check the network path to it; a private subnet needs a NAT gateway.',
      }
    case 'process':
      return {
        name: `the credential_process of profile ${JSON.stringify(source.profile)}`,
        remedy: 'Run that command by hand: it may wait for input or for the network.',
      }
    case 'task role':
    case 'pod identity':
    case 'container endpoint':
      return {
        name: containerEndpoint(source),
        remedy: 'Check that it runs on this host, and that nothing blocks its address.',
      }
    case 'own':
      return {
        name: 'the provider of AWS credentials in the option aws',
        remedy: 'Check that provider and its network path.',
      }
    case 'instance':
      return {
        name: 'the instance metadata service',
        remedy: 'Check the hop limit of the instance metadata, or set AWS_PROFILE or keys.',
      }
    default:
      return undefined
  }
}

function stsEndpoint(region: string | undefined): string {
  const { AWS_ENDPOINT_URL_STS, AWS_ENDPOINT_URL, AWS_REGION } = process.env
  const given = AWS_ENDPOINT_URL_STS || AWS_ENDPOINT_URL
  if (given && URL.canParse(given))
    return `${new URL(given).host} (${AWS_ENDPOINT_URL_STS ? 'AWS_ENDPOINT_URL_STS' : 'AWS_ENDPOINT_URL'})`
  const where = region ?? (AWS_REGION || '<region>')
  return `sts.${where}.${partitionOf(where).suffix}`
}
