import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'chai'
import pg from 'pg'
import { parse } from 'yaml'
import type { RedshiftEmulator } from '../../lib/emulator/index.js'
import { type Cli, withCli } from '../support/cli.js'

const CLUSTER = 'examplecluster.abc123xyz789.us-west-2.redshift.amazonaws.com'
const ALICE = ['--cluster-identifier', 'examplecluster', '--region', 'us-west-2', '--db-user', 'alice']
const WORKGROUP = ['--workgroup-name', 'analytics', '--region', 'us-west-2']

describe('pg-redshift-iam credentials', function () {
  this.timeout(60_000)
  let emulator: RedshiftEmulator
  let cli: Cli
  withCli((built, started) => {
    cli = built
    emulator = started
  })
  beforeEach(() => {
    emulator.calls.length = 0
  })

  const print = async (...parameters: string[]): Promise<string> => {
    const { code, stdout, stderr } = await cli.run(['credentials', ...parameters])
    expect(stderr).to.equal('')
    expect(code).to.equal(0)
    return stdout
  }

  const refusal = async (...parameters: string[]): Promise<string> => {
    const { code, stdout, stderr } = await cli.run(['credentials', ...parameters])
    expect(stdout).to.equal('')
    expect(stderr).not.to.match(/^\s+at /m)
    expect(stderr).to.match(/^More: \S+troubleshooting\.md#(wrong-flags|err_redshift_option)$/m)
    expect(code).to.equal(2)
    expect(emulator.calls).to.deep.equal([])
    return stderr
  }

  const lastCall = () => emulator.calls.at(-1)

  it('passes the flags of get-cluster-credentials on under their own names', async () => {
    await print(
      ...ALICE,
      '--db-name',
      'dev',
      '--db-groups',
      'readers',
      'writers',
      '--auto-create',
      '--duration-seconds',
      '1800',
    )
    expect(lastCall()).to.deep.include({ operation: 'GetClusterCredentials', region: 'us-west-2' })
    expect(lastCall()?.parameters).to.deep.include({
      ClusterIdentifier: 'examplecluster',
      DbUser: 'alice',
      DbName: 'dev',
      DbGroups: ['readers', 'writers'],
      AutoCreate: true,
      DurationSeconds: 1800,
    })
  })

  it('passes those of get-credentials on, and asks for a login for every database where none is named', async () => {
    await print(...WORKGROUP, '--duration-seconds', '900')
    expect(lastCall()?.operation).to.equal('GetCredentials')
    expect(lastCall()?.parameters).to.deep.equal({ workgroupName: 'analytics', durationSeconds: 900 })
  })

  it('reads target and region off --host', async () => {
    expect(await print('--host', CLUSTER, '--query', 'DbUser')).to.equal('"IAMR:analyst"\n')
    expect(lastCall()).to.include({ operation: 'GetClusterCredentialsWithIAM', region: 'us-west-2' })
  })

  it('takes region and output from the variables of the AWS CLI', async () => {
    const [, , ...withoutRegion] = WORKGROUP.toReversed()
    const env = { AWS_DEFAULT_REGION: 'us-west-2', AWS_DEFAULT_OUTPUT: 'text' }
    const { stdout } = await cli.run(['credentials', ...withoutRegion.toReversed(), '--query', 'dbUser'], env)
    expect(stdout).to.equal('IAMR:analyst\n')
  })

  it('takes its input from JSON and YAML, in which flags win', async () => {
    const input = '{"ClusterIdentifier": "examplecluster", "DbUser": "bob", "DbGroups": ["readers"]}'
    writeFileSync(join(cli.folder, 'input.json'), input)
    const region = ['--region', 'us-west-2', '--query', 'DbUser', '--output', 'text']
    expect(await print('--cli-input-json', 'file://input.json', ...region)).to.equal('IAMA:bob:readers\n')
    expect(await print('--cli-input-json', input, '--db-user', 'carol', ...region)).to.equal('IAMA:carol:readers\n')
    const yaml = 'ClusterIdentifier: examplecluster\nDbUser: dora\n'
    expect(await print('--cli-input-yaml', yaml, ...region)).to.equal('IAM:dora\n')
  })

  it('prints skeletons that it takes back as input', async () => {
    const skeleton = await print('--generate-cli-skeleton', 'yaml-input', '--workgroup-name', 'analytics')
    expect(parse(skeleton)).to.deep.equal({ customDomainName: '', dbName: '', durationSeconds: 0, workgroupName: '' })
    expect(skeleton).to.include("workgroupName: ''  # The name of the workgroup.")
    const filled = { ...parse(skeleton), durationSeconds: 900, workgroupName: 'analytics' }
    const { customDomainName: _, dbName: __, ...input } = filled
    const user = await print('--cli-input-json', JSON.stringify(input), '--region', 'us-west-2', '--query', 'dbUser')
    expect(user).to.equal('"IAMR:analyst"\n')
  })

  it('prints YAML, sorted as the AWS CLI does, and a stream of it', async () => {
    const yaml = await print(...ALICE, '--output', 'yaml')
    expect(yaml).to.match(/^DbPassword: \S+\nDbUser: IAM:alice\nExpiration: '\d{4}-\d\d-\d\dT[\d:.]+\+00:00'\n$/)
    const stream = await print(...ALICE, '--output', 'yaml-stream', '--query', '{user: DbUser}')
    expect(stream).to.equal('- user: IAM:alice\n')
    expect(await print(...ALICE, '--output', 'yaml-stream', '--query', '`{}`')).to.equal('')
  })

  it('prints a URL with which pg logs in', async () => {
    const url = await print('--host', CLUSTER, '--db-user', 'alice', '--output', 'url')
    expect(url).to.include('postgresql://IAM%3Aalice:').and.include('sslmode=verify-full&sslrootcert=')
    const { password, pathname } = new URL(url)
    const config = { ...emulator.poolConfig(), user: 'IAM:alice', password: decodeURIComponent(password) }
    const client = new pg.Client({ ...config, database: pathname.slice(1) })
    await client.connect()
    await client.end()
  })

  it('prints a line for a pgpass file, in which the colon of the user is escaped', async () => {
    const line = await print('--host', CLUSTER, '--db-user', 'alice', '--output', 'pgpass')
    expect(line).to.match(/^examplecluster\.[\w.-]+:\d+:dev:IAM\\:alice:[^:]{100,}\n$/)
  })

  it('looks the address up for the formats of libpq where no host is given', async () => {
    const variables = await print(...ALICE, '--output', 'env')
    expect(variables).to.include(`export PGHOST='${CLUSTER}'\n`).and.include(`export PGUSER='IAM:alice'\n`)
    expect(variables).to.include(`export PGSSLROOTCERT='`).and.include("/dist/cli/amazon-roots.pem'\n")
    expect(lastCall()?.operation).to.equal('DescribeClusters')
  })

  it('prints an IPv6 address as a URL has it, and lets go of what would lead libpq elsewhere', async () => {
    expect(await print('--host', '::1', ...ALICE, '--output', 'url')).to.match(/@\[::1\]:\d+\/dev\?/)
    const line = await print('--host', CLUSTER, ...ALICE, '--output', 'env')
    expect(line).to.match(/^unset PGSERVICE PGSERVICEFILE PGPASSFILE PGREQUIRESSL$/m)
  })

  it('accepts what has no effect here, and keeps warnings off the output', async () => {
    const flags = ['--no-paginate', '--no-cli-pager', '--cli-binary-format', 'base64', '--no-cli-auto-prompt']
    expect(await print(...ALICE, ...flags, '--color', 'off', '--query', 'DbUser')).to.equal('"IAM:alice"\n')
  })

  it('tells with --debug what it does, and no secret', async () => {
    const { code, stdout, stderr } = await cli.run([
      'credentials',
      ...ALICE,
      '--debug',
      '--query',
      'DbPassword',
      '--output',
      'text',
    ])
    expect(code).to.equal(0)
    expect(stderr)
      .to.include('debug: fetch-start')
      .and.match(/POST http:\/\/127\.0\.0\.1 → 200 in \d+ ms/)
    const { secretAccessKey, sessionToken } = emulator.aws.credentials
    for (const secret of [stdout.trim(), secretAccessKey, sessionToken]) expect(stderr).not.to.include(secret)
  })

  it('keeps --cli-read-timeout, for each attempt', async () => {
    using _ = emulator.fail({ kind: 'hang' })
    const { code, stderr } = await cli.run(['credentials', ...ALICE, '--cli-read-timeout', '1'])
    expect(code).to.equal(13)
    expect(stderr).to.include('a request has exceeded the configured 1000 ms')
    expect(emulator.calls).to.have.length(3)
  })

  it('ends with the exit code of the step that failed, and names the section that says more', async () => {
    using _ = emulator.fail({ kind: 'access-denied' })
    const { code, stdout, stderr } = await cli.run(['credentials', ...ALICE])
    expect(code).to.equal(13)
    expect(stdout).to.equal('')
    expect(stderr).to.include('Allow redshift:GetClusterCredentials on arn:aws:redshift:us-west-2')
    expect(stderr).to.include('docs/troubleshooting.md#err_redshift_access_denied')
  })

  describe('refuses, before anything is sent,', () => {
    it('a missing target, and names the flags', async () => {
      expect(await refusal())
        .to.include('--host')
        .and.include('--cluster-identifier or --workgroup-name')
    })

    it('a flag that the API does not take, and names the API', async () => {
      const message = await refusal(...WORKGROUP, '--db-groups', 'readers')
      expect(message).to.include('--db-groups is set, but GetCredentials does not take it').and.include('set --db-user')
    })

    it('a duration out of bounds, under the name of its flag', async () => {
      expect(await refusal(...ALICE, '--duration-seconds', '60'))
        .to.include('--duration-seconds is 60')
        .and.include('900 to 3600')
      expect(await refusal(...ALICE, '--duration-seconds', 'long')).to.include('It is a whole number.')
    })

    for (const [json, where] of [
      ['{"ClusterIdentifier": "x",\n "DbUser": "bob",}', 'line 2, column 18'],
      ['{"DbUser": bob}', 'line 1, column 12'],
      ['{"DbUser":', 'it ends too early at line 1, column 11'],
      [`{"DbUser":'bob'}`, 'line 1, column 11'],
      ['{"DbGroups":["a",]}', 'line 1, column 18'],
      ['{"DbUser": "a"} b', 'line 1, column 17'],
      ['{"DbUser": "a\nb"}', 'line 1, column 14'],
      ['# c\n{"DbUser": "a"}', 'line 1, column 1'],
      ['\uFEFF{"DbUser": bob}', 'line 1, column 12'],
      ['{"AutoCreate": tru', 'it ends too early at line 1, column 19'],
      ['undefined', 'line 1, column 1'],
    ] as const)
      it(`broken JSON, and says where: ${JSON.stringify(json)}`, async () => {
        expect(await refusal('--cli-input-json', json))
          .to.include('--cli-input-json is not valid JSON')
          .and.include(where)
      })

    for (const [yaml, problem] of [
      ['DbUser: bob\nDbGroups: [a', /: .* at line 2, column \d+\.$/m],
      ['DbName: dev\nDbUser: *x', /: nothing is named &x at line 2, column 9\.$/m],
      ['DbUser: a\n---\nDbUser: b', /: a second document begins at line 2, column 1\.$/m],
    ] as const)
      it(`broken YAML, and says where: ${JSON.stringify(yaml)}`, async () => {
        const message = await refusal('--cli-input-yaml', yaml)
        expect(message).to.include('--cli-input-yaml is not valid YAML').and.match(problem)
      })

    it('a list as the name of a parameter, without a warning of Node', async () => {
      const message = await refusal('--cli-input-yaml', '? {a: b}\n: c')
      expect(message)
        .to.match(/^pg-redshift-iam: --cli-input-yaml holds/)
        .and.not.include('Warning')
    })

    it('an unknown parameter in the input, and lists those that there are', async () => {
      expect(await refusal('--cli-input-json', '{"Cluster": "x"}'))
        .to.include('"Cluster"')
        .and.include('ClusterIdentifier')
    })

    it('a query that is no JMESPath, or does not fit the answer', async () => {
      expect(await refusal(...ALICE, '--query', 'DbUser.')).to.include('"DbUser." is no JMESPath expression')
      expect(await refusal(...ALICE, '--query', 'keys(DbUser)')).to.include(
        'cannot be applied to the answer: TypeError',
      )
      expect(await refusal(...ALICE, '--query', 'DbUser[')).to.include('--query "DbUser[" is no JMESPath expression')
    })

    it('an output format that does not exist, or lacks a database', async () => {
      expect(await refusal(...ALICE, '--output', '')).to.include('--output says "", which is no output format')
      expect(await refusal(...ALICE, '--output', 'xml')).to.include(
        'json, text, table, yaml, yaml-stream, env, url, pgpass',
      )
      const { code, stderr } = await cli.run(['credentials', ...ALICE, '--output', 'env'], { PGDATABASE: undefined })
      expect(code).to.equal(2)
      expect(stderr).to.include('--output env needs a database. Give --db-name, or set PGDATABASE.')
    })

    it('flags of the AWS CLI that cannot be kept, with the reason', async () => {
      expect(await refusal(...ALICE, '--no-sign-request')).to.include('the request must be signed')
      expect(await refusal(...ALICE, '--cli-auto-prompt')).to.include('There are no prompts here')
    })

    for (const [flag, known] of [
      ['--clusterId', '--cluster-identifier'],
      ['--workgroups', '--workgroup-name'],
      ['--dbuser=bob', '--db-user'],
      ['--regoin', '--region'],
    ] as const)
      it(`an unknown flag, and names the nearest known one: ${flag}`, async () => {
        expect(await refusal(flag, 'x')).to.include(`The nearest is ${known};`)
      })
  })
})
