import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'chai'
import { type Cli, withCli } from '../support/cli.js'

const CLUSTER = 'examplecluster.abc123xyz789.us-west-2.redshift.amazonaws.com'
const ROLE = 'role_arn = arn:aws:iam::123456789012:role/reader'

const PROFILES = `
[profile hanging]
credential_process = sleep 100
[profile failing]
credential_process = sh -c "exit 3" hunter2
[profile missing]
credential_process = /no/such/program
[profile expired]
credential_process = echo '{"Version":1,"AccessKeyId":"a","SecretAccessKey":"b","Expiration":"2020-01-01T00:00:00Z"}'
[profile broken]
credential_process = echo '{"Version":'
[profile indirect]
${ROLE}
source_profile = failing
[profile loop]
${ROLE}
source_profile = loop-back
[profile loop-back]
${ROLE}
source_profile = loop
[profile orphan]
${ROLE}
source_profile = nobody
[profile rootless]
${ROLE}
[profile sourced]
${ROLE}
credential_source = EcsContainer
[profile key-only]
aws_access_key_id = AKIAIOSFODNN7EXAMPLE
[profile secret-only]
aws_secret_access_key = hunter2
[profile empty]
region = us-west-2
`

describe('The command line, of a profile for AWS,', function () {
  this.timeout(60_000)
  let cli: Cli
  withCli(built => {
    cli = built
    writeFileSync(join(cli.folder, 'aws-config'), PROFILES)
  })

  it('ends when it has told that its process hangs', async () => {
    const { code, stderr } = await cli.run(['check', '--host', CLUSTER, '--profile', 'hanging'])
    expect(code).to.equal(12)
    expect(stderr).to.include('The provider of AWS credentials has not answered within 15 s')
  })

  for (const [profile, reason] of [
    [
      'failing',
      'the credential_process of profile "failing" failed, or printed no current credentials. Run it by hand',
    ],
    ['missing', 'the credential_process of profile "missing" failed'],
    ['expired', 'the credential_process of profile "expired" failed, or printed no current credentials'],
    ['broken', 'the credential_process of profile "broken" failed'],
    ['indirect', 'the credential_process of profile "failing" failed'],
    ['loop', 'source_profile leads in a circle, loop → loop-back → loop'],
    ['orphan', 'source_profile names "nobody", which is no profile'],
    ['rootless', 'profile "rootless" has a role_arn, but neither source_profile nor credential_source'],
    ['sourced', 'the credential_source "EcsContainer" of profile "sourced" gives none on this host'],
    ['key-only', 'profile "key-only" has aws_access_key_id without aws_secret_access_key'],
    ['secret-only', 'profile "secret-only" has aws_secret_access_key without aws_access_key_id'],
    ['empty', 'profile "empty" neither holds any, nor names what gives them'],
  ] as const)
    it(`says what may be wrong where it gives no credentials: ${profile}`, async () => {
      const { code, stderr } = await cli.run(['credentials', '--host', CLUSTER, '--profile', profile])
      expect(code).to.equal(12)
      expect(stderr).to.include(`Profile ${JSON.stringify(profile)} gives no AWS credentials: ${reason}`)
      expect(stderr).to.include('#err_redshift_aws_credentials').and.not.include('hunter2')
    })

  it('says which was taken where a profile and keys are both in the environment', async () => {
    writeFileSync(join(cli.folder, 'aws-credentials'), '[keys]\naws_access_key_id = a\naws_secret_access_key = b\n')
    const both = 'AWS_PROFILE is taken, AWS_ACCESS_KEY_ID ignored (the AWS CLI does the reverse)'
    const { stderr } = await cli.run(['check', '--host', CLUSTER], { AWS_PROFILE: 'keys' })
    expect(stderr).to.include('profile "keys", shared credentials file; identity').and.include(both)
    const flag = await cli.run(['check', '--host', CLUSTER, '--profile', 'keys'], { AWS_PROFILE: 'keys' })
    expect(flag.stderr).to.include('profile "keys", shared credentials file; identity').and.not.include(both)
  })

  it('says it in check too', async () => {
    const { code, stderr } = await cli.run(['check', '--host', CLUSTER], { AWS_PROFILE: 'failing' })
    expect(code).to.equal(12)
    expect(stderr).to.include('the credential_process of profile "failing" failed').and.not.include('hunter2')
  })
})
