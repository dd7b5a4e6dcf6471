import { quoted } from '../../errors.js'
import { containerEndpoint, type Source, type SourceKind } from './sources.js'

/** One way in which a source of AWS credentials can fail. */
export interface CredentialFailure {
  readonly sources: readonly SourceKind[]
  /** Short, and unique in this table. */
  readonly failure: string
  /** Matches the error's name and message. A row without it applies if no other row explains the failure of the source. */
  readonly when?: RegExp
  readonly problem: (source: Source) => string
  readonly cure: (source: Source) => string
}

const LIST = '`aws configure list-profiles` lists them'

const profileOf = ({ kind, profile }: Source): string =>
  profile !== undefined ? `profile ${quoted(profile)}` : kind === 'own' ? 'the profile' : 'the environment'
const roleOf = ({ role }: Source): string => (role === undefined ? 'the role' : `the role ${role}`)
const accessOf = ({ role }: Source): string =>
  role === undefined ? 'this permission set' : `the permission set ${role}`
const tokenOf = ({ detail }: Source): string => (detail === undefined ? '' : ` in ${quoted(detail)}`)
/** A command of the AWS CLI for the profile that needs it. */
const command = (words: string, profile: string | undefined): string =>
  profile === undefined
    ? `\`aws ${words}\`, with --profile if you use one`
    : `\`aws ${words} --profile ${/^[\w.@+-]+$/.test(profile) ? profile : quoted(profile)}\``

/** The known failures of all sources of AWS credentials. The first row that matches applies. */
export const CREDENTIAL_FAILURES: readonly CredentialFailure[] = [
  // AWS STS, for a web identity token: IRSA, GitHub Actions and the like.
  {
    sources: ['web identity', 'own'],
    failure: 'the role does not trust the web identity',
    when: /^AccessDenied.*AssumeRoleWithWebIdentity/,
    problem: source => `The trust policy of ${roleOf(source)} does not allow this web identity token`,
    cure: () =>
      'Allow its OIDC provider, audience and service account (`aud` and `sub`) in the trust policy of the role',
  },
  {
    sources: ['web identity', 'own'],
    failure: 'the account has no OIDC provider',
    when: /^InvalidIdentityToken.*No OpenIDConnect provider/,
    problem: source => `The AWS account of ${roleOf(source)} does not know the issuer of this web identity token`,
    cure: () => "Create an IAM OIDC provider for that URL in the role's account, or correct the role's ARN",
  },
  {
    sources: ['web identity', 'own'],
    failure: 'the token has another audience',
    when: /^InvalidIdentityToken.*audience/i,
    problem: source => `The web identity token${tokenOf(source)} is for another audience`,
    cure: () => 'Request the token for the audience sts.amazonaws.com, and list that audience in the IAM OIDC provider',
  },
  {
    sources: ['web identity'],
    failure: 'the web identity token has expired',
    when: /^ExpiredToken|^InvalidIdentityToken.*expired/i,
    problem: source => `The web identity token${tokenOf(source)} has expired`,
    cure: () => 'Check what renews that file (the kubelet, the CI system); a file mounted by subPath is never renewed',
  },
  {
    sources: ['web identity', 'own'],
    failure: 'AWS does not accept the web identity token',
    when: /^(InvalidIdentityToken|IDPRejectedClaim|IDPCommunicationError)|^ValidationError.*webIdentityToken/,
    problem: source => `AWS STS does not accept the web identity token${tokenOf(source)}`,
    cure: () =>
      "Check that it is a current token of the role's OIDC provider, and that AWS can reach the provider's keys",
  },
  {
    sources: ['web identity'],
    failure: 'the token file is missing',
    when: /^Error: (ENOENT|EACCES|EISDIR|ENOTDIR)\b/,
    problem: source => `The web identity token file ${quoted(source.detail)} cannot be read`,
    cure: ({ profile }) =>
      `Mount the token there, or correct ${profile === undefined ? 'AWS_WEB_IDENTITY_TOKEN_FILE' : `web_identity_token_file of profile ${quoted(profile)}`}`,
  },
  // AWS STS, for any role.
  {
    sources: ['role', 'web identity', 'own'],
    failure: 'the role session is too long',
    when: /^ValidationError.*DurationSeconds/,
    problem: source => `AWS STS does not allow a session of this length for ${roleOf(source)}`,
    cure: ({ profile }) =>
      `Lower ${profile === undefined ? 'the duration of the role session' : `duration_seconds of profile ${quoted(profile)}`}, or raise the maximum session duration of the role; the option durationSeconds applies only to the Redshift login`,
  },
  {
    sources: ['role', 'web identity', 'own'],
    failure: 'AWS STS is off in the region',
    when: /^RegionDisabled/,
    problem: source => `AWS STS is turned off in this region for the account of ${roleOf(source)}`,
    cure: () => 'Activate the region in the IAM console under account settings, or set AWS_REGION to another one',
  },
  {
    sources: ['role', 'web identity', 'own'],
    failure: 'AWS STS refuses a parameter',
    when: /^(ValidationError|MalformedPolicyDocument|PackedPolicyTooLarge)/,
    problem: source => `AWS STS does not accept the parameters for ${roleOf(source)}`,
    cure: source => `Correct role_arn, role_session_name and the other settings of the role in ${profileOf(source)}`,
  },
  {
    sources: ['role', 'own'],
    failure: 'nobody gives the MFA code',
    when: /multi-factor authentication, but no MFA code/,
    problem: source => `${sentence(profileOf(source))} has mfa_serial, but this program cannot ask for the MFA code`,
    cure: ({ profile }) =>
      `Set aws.credentials to fromIni({ mfaCodeProvider }) of @aws-sdk/credential-providers, or export a session: \`aws configure export-credentials${profile === undefined ? '' : ` --profile ${profile}`} --format env\``,
  },
  {
    sources: ['role', 'own'],
    failure: 'the MFA code is wrong',
    when: /^AccessDenied.*MultiFactorAuthentication failed/,
    problem: source => `AWS STS does not accept the MFA code for ${roleOf(source)}`,
    cure: () => 'Enter the current code of the device in mfa_serial; each code works once, so wait for the next one',
  },
  {
    sources: ['role', 'own'],
    failure: 'the role may not be assumed',
    when: /^AccessDenied.*sts:(AssumeRole|TagSession|SetSourceIdentity)\b|^AccessDenied/,
    problem: source => `These AWS credentials may not assume ${roleOf(source)}`,
    cure: () =>
      'Allow sts:AssumeRole in the policy of this identity, and this identity in the trust policy of the role',
  },
  {
    sources: ['role', 'own'],
    failure: 'the credentials that assume the role are not accepted',
    when: /^(InvalidClientTokenId|SignatureDoesNotMatch|ExpiredToken|IncompleteSignature|UnrecognizedClient|InvalidSignature)/,
    problem: source => `AWS STS does not accept the AWS credentials that assume ${roleOf(source)}`,
    cure: ({ sourceProfile }) =>
      `Renew the keys ${sourceProfile === undefined ? 'that assume it' : `of profile ${quoted(sourceProfile)}`}, and check that key, secret and session token belong together`,
  },
  // IAM Identity Center.
  {
    sources: ['SSO', 'own'],
    failure: 'the permission set is not assigned',
    when: /\bForbiddenException\b/,
    problem: source => `IAM Identity Center denied this user ${accessOf(source)}`,
    cure: source =>
      `Ask for the permission set to be assigned in that account, or correct sso_account_id and sso_role_name of ${profileOf(source)}`,
  },
  {
    sources: ['SSO', 'own'],
    failure: 'IAM Identity Center refuses a parameter',
    when: /\bInvalidRequestException\b|\bResourceNotFoundException\b/,
    problem: source => `IAM Identity Center does not accept ${accessOf(source)}`,
    cure: source => `Correct sso_account_id and sso_role_name of ${profileOf(source)}`,
  },
  {
    sources: ['SSO'],
    failure: 'the sso-session is not in the file',
    when: /Sso session .* could not be found|reading 'sso_/,
    problem: ({ profile, detail }) =>
      `Profile ${quoted(profile)} names the sso-session ${quoted(detail)}, which does not exist`,
    cure: ({ detail }) => `Add [sso-session ${detail}] with sso_start_url and sso_region, or run \`aws configure sso\``,
  },
  {
    sources: ['SSO', 'own'],
    failure: 'the SSO profile is incomplete',
    when: /invalid SSO credentials\. Required|is missing required property 'sso_/,
    problem: source => `${sentence(profileOf(source))} is not complete`,
    cure: () => 'Set sso_account_id, sso_role_name and sso_session in the profile, or run `aws configure sso`',
  },
  {
    sources: ['SSO', 'own'],
    failure: 'the SSO session has ended',
    when: /\bSSO\b.*\b(invalid|expired|Token)\b|Token is expired|\bUnauthorizedException\b/,
    problem: ({ profile }) =>
      `The AWS SSO session${profile === undefined ? '' : ` of profile ${quoted(profile)}`} has ended or was never opened`,
    cure: ({ profile }) => `Run ${command('sso login', profile)}`,
  },
  // `aws login`.
  {
    sources: ['aws login', 'own'],
    failure: 'aws login lacks a permission',
    when: /'CreateOAuth2Token'/,
    problem: ({ profile }) =>
      `The session of aws login${profile === undefined ? '' : ` for profile ${quoted(profile)}`} cannot be renewed without a permission`,
    cure: () =>
      'Allow signin:CreateOAuth2Token for this identity (the AWS managed policy SignInLocalDevelopmentAccess does)',
  },
  {
    sources: ['aws login', 'own'],
    failure: 'the password has changed since aws login',
    when: /change in your password/,
    problem: ({ profile }) =>
      `The password has changed since aws login${profile === undefined ? '' : ` for profile ${quoted(profile)}`}`,
    cure: ({ profile }) => `Run ${command('login', profile)}`,
  },
  {
    sources: ['aws login', 'own'],
    failure: 'the session of aws login has ended',
    when: /Please reauthenticate|re-authenticate using|Failed to (load|refresh) (a )?token|Token validation failed/,
    problem: ({ profile }) =>
      `The session of aws login${profile === undefined ? '' : ` for profile ${quoted(profile)}`} has ended or was never opened`,
    cure: ({ profile }) => `Run ${command('login', profile)}`,
  },
  {
    sources: ['aws login'],
    failure: 'the session of aws login cannot be renewed',
    problem: ({ profile }) => `The session of aws login for profile ${quoted(profile)} could not be renewed`,
    cure: ({ profile }) => `Run ${command('login', profile)}, and check the network path to the AWS sign-in service`,
  },
  // Other settings in the files.
  {
    sources: ['process'],
    failure: 'the credential_process fails',
    problem: ({ profile }) =>
      `The credential_process of profile ${quoted(profile)} failed, or printed no current credentials`,
    cure: () => 'Run that command by hand, with the same PATH and HOME as this process, and correct what it reports',
  },
  {
    sources: ['unknown profile'],
    failure: 'there is no such profile',
    problem: ({ profile }) => `There is no profile ${quoted(profile)} in the AWS configuration of this user`,
    cure: () => `Correct AWS_PROFILE, the option aws.profile or --profile; ${LIST}`,
  },
  {
    sources: ['unknown source profile'],
    failure: 'source_profile does not exist',
    problem: ({ profile }) => `A source_profile names ${quoted(profile)}, which does not exist`,
    cure: () => `Correct it; ${LIST}`,
  },
  {
    sources: ['circle'],
    failure: 'source_profile leads in a circle',
    problem: ({ detail }) => `The profiles name each other by source_profile in a circle: ${detail}`,
    cure: () => 'Give one of these profiles its own credentials',
  },
  {
    sources: ['role without a source'],
    failure: 'role_arn without a source',
    problem: ({ profile }) =>
      `Profile ${quoted(profile)} has role_arn, but not exactly one of source_profile and credential_source`,
    cure: () => 'Set one of the two',
  },
  {
    sources: ['credential source'],
    failure: 'the credential_source gives nothing',
    problem: ({ profile, detail }) =>
      `The credential_source ${quoted(detail)} of profile ${quoted(profile)} is not available on this host`,
    cure: () =>
      'Set it to Environment, Ec2InstanceMetadata or EcsContainer, depending on this host, or set source_profile',
  },
  {
    sources: ['half of the keys'],
    failure: 'half a key pair in the profile',
    problem: ({ profile, detail }) => `Profile ${quoted(profile)} has only half of a key pair: ${detail} is missing`,
    cure: () => 'Add the missing key',
  },
  {
    sources: ['empty profile'],
    failure: 'the profile has no credentials',
    problem: ({ profile }) => `Profile ${quoted(profile)} has no AWS credentials, and no setting to load them`,
    cure: () => 'Add keys, role_arn or credential_process to it, or run `aws configure sso`',
  },
  // The environment, containers and instances.
  {
    sources: ['half of the environment'],
    failure: 'half a key pair in the environment',
    problem: ({ detail }) => `The environment has only half of a key pair: ${detail} is not set`,
    cure: () => 'Set it too, or unset both',
  },
  {
    sources: ['half of a web identity'],
    failure: 'half a web identity in the environment',
    problem: ({ detail }) => `The environment has only half of a web identity: ${detail} is not set`,
    cure: () => 'Set AWS_WEB_IDENTITY_TOKEN_FILE and AWS_ROLE_ARN, or unset both',
  },
  {
    sources: ['task role', 'pod identity', 'container endpoint'],
    failure: 'the authorization token file is missing',
    when: /^Error: (ENOENT|EACCES|EISDIR|ENOTDIR)\b/,
    problem: () => 'The file in AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE cannot be read',
    cure: () => 'Mount the token there, or correct the variable',
  },
  {
    sources: ['pod identity'],
    failure: 'EKS Pod Identity gives nothing',
    problem: source => `${sentence(containerEndpoint(source))} returned no AWS credentials`,
    cure: () =>
      'Check the pod identity association of the service account, and that the EKS Pod Identity Agent runs on this node',
  },
  {
    sources: ['task role'],
    failure: 'the ECS task role gives nothing',
    problem: source => `${sentence(containerEndpoint(source))} returned no AWS credentials`,
    cure: () => 'Give the ECS task a task role; outside of ECS, unset AWS_CONTAINER_CREDENTIALS_RELATIVE_URI',
  },
  {
    sources: ['container endpoint'],
    failure: 'the container endpoint gives nothing',
    problem: source => `${sentence(containerEndpoint(source))} returned no AWS credentials`,
    cure: () =>
      'Check what serves AWS_CONTAINER_CREDENTIALS_FULL_URI (HTTPS, or a loopback address), and the authorization token',
  },
  {
    sources: ['own'],
    failure: 'a provider of your own fails',
    problem: () => 'The AWS credentials from the option aws could not be loaded',
    cure: () => 'Check aws.credentials, or the SDK client in aws',
  },
  {
    sources: ['instance'],
    failure: 'there are no AWS credentials',
    problem: () => 'No AWS credentials were found in the environment, a profile, a container or the instance metadata',
    cure: () =>
      'Set AWS_PROFILE or keys, give the service a role, or run `aws sso login`; in a container on EC2, raise the hop limit of the instance metadata to 2',
  },
]

/** Capitalizes the first letter. */
export const sentence = (words: string): string => words.charAt(0).toUpperCase() + words.slice(1)
