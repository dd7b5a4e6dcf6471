import { quoted } from '../../errors.js'
import { type CredentialFailure, capitalize } from './failure.js'
import { containerEndpoint } from './sources.js'

const LIST = '`aws configure list-profiles` lists them'

/** What can fail with the AWS files, the environment, containers and instances. */
export const LOCAL_FAILURES: readonly CredentialFailure[] = [
  // Other settings in the files.
  {
    sources: ['process'],
    failure: 'the credential_process fails',
    problem: ({ profile }) =>
      `The credential_process of profile ${quoted(profile)} failed, or printed no current credentials`,
    remedy: () => 'Run that command by hand, with the same PATH and HOME as this process, and correct what it reports',
  },
  {
    sources: ['unknown profile'],
    failure: 'there is no such profile',
    problem: ({ profile }) => `There is no profile ${quoted(profile)} in the AWS configuration of this user`,
    remedy: () => `Correct AWS_PROFILE, the option aws.profile or --profile; ${LIST}`,
  },
  {
    sources: ['unknown source profile'],
    failure: 'source_profile does not exist',
    problem: ({ profile }) => `A source_profile names ${quoted(profile)}, which does not exist`,
    remedy: () => `Correct it; ${LIST}`,
  },
  {
    sources: ['circle'],
    failure: 'source_profile leads in a circle',
    problem: ({ detail }) => `The profiles name each other by source_profile in a circle: ${detail}`,
    remedy: () => 'Give one of these profiles its own credentials',
  },
  {
    sources: ['role without a source'],
    failure: 'role_arn without a source',
    problem: ({ profile }) =>
      `Profile ${quoted(profile)} has role_arn, but not exactly one of source_profile and credential_source`,
    remedy: () => 'Set one of the two',
  },
  {
    sources: ['credential source'],
    failure: 'the credential_source has no credentials',
    problem: ({ profile, detail }) =>
      `The credential_source ${quoted(detail)} of profile ${quoted(profile)} is not available on this host`,
    remedy: () =>
      'Set it to Environment, Ec2InstanceMetadata or EcsContainer, depending on this host, or set source_profile',
  },
  {
    sources: ['half of the keys'],
    failure: 'half a key pair in the profile',
    problem: ({ profile, detail }) => `Profile ${quoted(profile)} has only half of a key pair: ${detail} is missing`,
    remedy: () => 'Add the missing key',
  },
  {
    sources: ['empty profile'],
    failure: 'the profile has no credentials',
    problem: ({ profile }) => `Profile ${quoted(profile)} has no AWS credentials, and no setting to load them`,
    remedy: () => 'Add keys, role_arn or credential_process to it, or run `aws configure sso`',
  },
  // The environment, containers and instances.
  {
    sources: ['half of the environment'],
    failure: 'half a key pair in the environment',
    problem: ({ detail }) => `The environment has only half of a key pair: ${detail} is not set`,
    remedy: () => 'Set it too, or unset both',
  },
  {
    sources: ['half of a web identity'],
    failure: 'half a web identity in the environment',
    problem: ({ detail }) => `The environment has only half of a web identity: ${detail} is not set`,
    remedy: () => 'Set AWS_WEB_IDENTITY_TOKEN_FILE and AWS_ROLE_ARN, or unset both',
  },
  {
    sources: ['task role', 'pod identity', 'container endpoint'],
    failure: 'the authorization token file is missing',
    when: /^Error: (ENOENT|EACCES|EISDIR|ENOTDIR)\b/,
    problem: () => 'The file in AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE cannot be read',
    remedy: () => 'Mount the token there, or correct the variable',
  },
  {
    sources: ['pod identity'],
    failure: 'EKS Pod Identity returns no credentials',
    problem: source => `${capitalize(containerEndpoint(source))} returned no AWS credentials`,
    remedy: () =>
      'Check the pod identity association of the service account, and that the EKS Pod Identity Agent runs on this node',
  },
  {
    sources: ['task role'],
    failure: 'the ECS endpoint returns no credentials',
    problem: source => `${capitalize(containerEndpoint(source))} returned no AWS credentials`,
    remedy: () => 'Give the ECS task a task role; outside of ECS, unset AWS_CONTAINER_CREDENTIALS_RELATIVE_URI',
  },
  {
    sources: ['container endpoint'],
    failure: 'the container endpoint returns no credentials',
    problem: source => `${capitalize(containerEndpoint(source))} returned no AWS credentials`,
    remedy: () =>
      'Check what serves AWS_CONTAINER_CREDENTIALS_FULL_URI (HTTPS, or a loopback address), and the authorization token',
  },
  {
    sources: ['own'],
    failure: 'a provider of your own fails',
    problem: () => 'The AWS credentials from the option aws could not be loaded',
    remedy: () => 'Check aws.credentials, aws.credentialDefaultProvider or the SDK client in aws',
  },
  {
    sources: ['instance'],
    failure: 'there are no AWS credentials',
    problem: () => 'No AWS credentials were found in the environment, a profile, a container or the instance metadata',
    remedy: () =>
      'Set AWS_PROFILE or keys, give the service a role, or run `aws sso login`; in a container on EC2, raise the hop limit of the instance metadata to 2',
  },
]
