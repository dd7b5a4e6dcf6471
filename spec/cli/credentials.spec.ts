import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'chai'
import pg from 'pg'
import { parse } from 'yaml'
import { CLUSTER, sectionOf, useCli } from '../support/cli.js'

const ALICE = ['--cluster-identifier', 'examplecluster', '--region', 'us-west-2', '--db-user', 'alice']
const WORKGROUP = ['--workgroup-name', 'analytics', '--region', 'us-west-2']

describe('pg-redshift-iam credentials', () => {
  const cli = useCli()
  const print = (...parameters: string[]) => cli.output(['credentials', ...parameters])
  const refusal = (...parameters: string[]) => cli.refusal(['credentials', ...parameters])
  const lastCall = () => cli.emulator.calls.at(-1)

  it('passes the flags of get-cluster-credentials to AWS', async () => {
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

  it('passes the flags of get-credentials to AWS, and requests a login for every database by default', async () => {
    await print(...WORKGROUP, '--duration-seconds', '900')
    expect(lastCall()?.operation).to.equal('GetCredentials')
    expect(lastCall()?.parameters).to.deep.equal({ workgroupName: 'analytics', durationSeconds: 900 })
  })

  it('reads target and region from --host', async () => {
    expect(await print('--host', CLUSTER, '--query', 'DbUser')).to.equal('"IAMR:analyst"\n')
    expect(lastCall()).to.include({ operation: 'GetClusterCredentialsWithIAM', region: 'us-west-2' })
  })

  it('reads the target of a custom domain from --host', async () => {
    const domain = ['--custom-domain-name', 'db.example.com', '--host', CLUSTER]
    // The emulator does not have the domain.
    await cli.run(['credentials', ...domain])
    expect(lastCall()?.operation).to.equal('GetClusterCredentialsWithIAM')
    expect(lastCall()?.parameters).to.include({
      ClusterIdentifier: 'examplecluster',
      CustomDomainName: 'db.example.com',
    })
  })

  it("reads region and output from the AWS CLI's variables", async () => {
    const parameters = ['credentials', '--workgroup-name', 'analytics', '--query', 'dbUser']
    const env = { AWS_DEFAULT_REGION: 'us-west-2', AWS_DEFAULT_OUTPUT: 'text' }
    expect(await cli.output(parameters, env)).to.equal('IAMR:analyst\n')
  })

  it('reads its input from JSON and YAML, and flags override it', async () => {
    const input = '{"ClusterIdentifier": "examplecluster", "DbUser": "bob", "DbGroups": ["readers"]}'
    writeFileSync(join(cli.folder, 'input.json'), input)
    const region = ['--region', 'us-west-2', '--query', 'DbUser', '--output', 'text']
    expect(await print('--cli-input-json', 'file://input.json', ...region)).to.equal('IAMA:bob:readers\n')
    expect(await print('--cli-input-json', input, '--db-user', 'carol', ...region)).to.equal('IAMA:carol:readers\n')
    const yaml = 'ClusterIdentifier: examplecluster\nDbUser: dora\n'
    expect(await print('--cli-input-yaml', yaml, ...region)).to.equal('IAM:dora\n')
  })

  it('prints skeletons that it accepts as input', async () => {
    const skeleton = await print('--generate-cli-skeleton', 'yaml-input', '--workgroup-name', 'analytics')
    expect(parse(skeleton)).to.deep.equal({ customDomainName: '', dbName: '', durationSeconds: 0, workgroupName: '' })
    expect(skeleton).to.match(/^workgroupName: '' {2}# \w/m)
    const filled = { ...parse(skeleton), durationSeconds: 900, workgroupName: 'analytics' }
    const { customDomainName: _, dbName: __, ...input } = filled
    const user = await print('--cli-input-json', JSON.stringify(input), '--region', 'us-west-2', '--query', 'dbUser')
    expect(user).to.equal('"IAMR:analyst"\n')
  })

  it('prints YAML as the AWS CLI does, and a stream of it', async () => {
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
    const config = { ...cli.emulator.poolConfig(), user: 'IAM:alice', password: decodeURIComponent(password) }
    const client = new pg.Client({ ...config, database: pathname.slice(1) })
    await client.connect()
    await client.end()
  })

  it('prints a line for a pgpass file, and escapes the colon in the user', async () => {
    const line = await print('--host', CLUSTER, '--db-user', 'alice', '--output', 'pgpass')
    expect(line).to.match(/^examplecluster\.[\w.-]+:\d+:dev:IAM\\:alice:[^:]{100,}\n$/)
  })

  it("looks the address up for libpq's formats if no host is given", async () => {
    const variables = await print(...ALICE, '--output', 'env')
    expect(variables).to.include(`export PGHOST='${CLUSTER}'\n`).and.include(`export PGUSER='IAM:alice'\n`)
    expect(variables).to.include(`export PGSSLROOTCERT='`).and.include("/dist/cli/amazon-roots.pem'\n")
    expect(lastCall()?.operation).to.equal('DescribeClusters')
  })

  it('puts an IPv6 address into brackets in a URL', async () => {
    expect(await print('--host', '::1', ...ALICE, '--output', 'url')).to.match(/@\[::1\]:\d+\/dev\?/)
  })

  it('unsets variables that override the others in libpq', async () => {
    const variables = await print('--host', CLUSTER, ...ALICE, '--output', 'env')
    expect(variables).to.match(/^unset PGSERVICE PGSERVICEFILE PGPASSFILE PGREQUIRESSL$/m)
  })

  it('accepts flags of the AWS CLI that have no effect here, and prints no warnings', async () => {
    const flags = ['--no-paginate', '--no-cli-pager', '--cli-binary-format', 'base64', '--no-cli-auto-prompt']
    expect(await print(...ALICE, ...flags, '--color', 'off', '--query', 'DbUser')).to.equal('"IAM:alice"\n')
  })

  it('prints its requests with --debug, without secrets', async () => {
    const password = ['--query', 'DbPassword', '--output', 'text']
    const { code, stdout, stderr } = await cli.run(['credentials', ...ALICE, '--debug', ...password])
    expect(code).to.equal(0)
    expect(stderr)
      .to.include('debug: fetch-start')
      .and.match(/POST http:\/\/127\.0\.0\.1 → 200 in \d+ ms/)
    const { secretAccessKey, sessionToken } = cli.emulator.aws.credentials
    for (const secret of [stdout.trim(), secretAccessKey, sessionToken]) expect(stderr).not.to.include(secret)
  })

  it('applies --cli-read-timeout to each attempt', async () => {
    const { length } = cli.emulator.calls
    using _ = cli.emulator.fail({ kind: 'hang' })
    const end = await cli.run(['credentials', ...ALICE, '--cli-read-timeout', '1'])
    expect(end.code).to.equal(13)
    expect(sectionOf(end)).to.equal('err_redshift_unavailable')
    expect(end.stderr).to.include('1000 ms')
    expect(cli.emulator.calls).to.have.length(length + 3)
  })

  it('exits with the code of the step that failed, and links to the section on the error', async () => {
    using _ = cli.emulator.fail({ kind: 'access-denied' })
    const end = await cli.run(['credentials', ...ALICE])
    expect(end).to.include({ code: 13, stdout: '' })
    expect(sectionOf(end)).to.equal('err_redshift_access_denied')
    expect(end.stderr).to.include('redshift:GetClusterCredentials on arn:aws:redshift:us-west-2')
  })

  describe('refuses before it sends anything:', () => {
    it('a missing target, and names the flags', async () => {
      const message = await refusal()
      for (const flag of ['--host', '--cluster-identifier', '--workgroup-name']) expect(message).to.include(flag)
    })

    it('a flag that the operation does not support, and names the operation', async () => {
      const message = await refusal(...WORKGROUP, '--db-groups', 'readers')
      for (const named of ['--db-groups', 'GetCredentials', '--db-user']) expect(message).to.include(named)
    })

    it('a duration out of bounds, and names the flag', async () => {
      expect(await refusal(...ALICE, '--duration-seconds', '60'))
        .to.include('--duration-seconds')
        .and.include('900')
        .and.include('3600')
    })

    it('a duration that is not a number', async () => {
      expect(await refusal(...ALICE, '--duration-seconds', 'long'))
        .to.include('--duration-seconds')
        .and.include('"long"')
    })

    for (const [json, place] of [
      ['{"ClusterIdentifier": "x",\n "DbUser": "bob",}', 'line 2, column 18'],
      ['{"DbUser": bob}', 'line 1, column 12'],
      ['{"DbUser":', 'line 1, column 11'],
      [`{"DbUser":'bob'}`, 'line 1, column 11'],
      ['{"DbGroups":["a",]}', 'line 1, column 18'],
      ['{"DbUser": "a"} b', 'line 1, column 17'],
      ['{"DbUser": "a\nb"}', 'line 1, column 14'],
      ['# c\n{"DbUser": "a"}', 'line 1, column 1'],
      ['\uFEFF{"DbUser": bob}', 'line 1, column 12'],
      ['{"AutoCreate": tru', 'line 1, column 19'],
      ['undefined', 'line 1, column 1'],
    ] as const)
      it(`invalid JSON, and names the place: ${JSON.stringify(json)}`, async () => {
        expect(await refusal('--cli-input-json', json))
          .to.include('--cli-input-json')
          .and.include(place)
      })

    for (const [yaml, place] of [
      ['DbUser: bob\nDbGroups: [a', /line 2, column \d+/],
      ['DbName: dev\nDbUser: *x', /&x.*line 2, column 9/],
      ['DbUser: a\n---\nDbUser: b', /line 2, column 1/],
    ] as const)
      it(`invalid YAML, and names the place: ${JSON.stringify(yaml)}`, async () => {
        expect(await refusal('--cli-input-yaml', yaml))
          .to.include('--cli-input-yaml')
          .and.match(place)
      })

    it('a list as the name of a parameter, without a warning of Node.js', async () => {
      const message = await refusal('--cli-input-yaml', '? {a: b}\n: c')
      expect(message).to.include('--cli-input-yaml').and.not.include('Warning')
    })

    it('an unknown parameter in the input, and lists the known ones', async () => {
      expect(await refusal('--cli-input-json', '{"Cluster": "x"}'))
        .to.include('"Cluster"')
        .and.include('ClusterIdentifier')
    })

    for (const query of ['DbUser.', 'DbUser[', 'keys(DbUser)'])
      it(`a query that is invalid or does not fit the response: ${query}`, async () => {
        expect(await refusal(...ALICE, '--query', query)).to.include(`--query ${JSON.stringify(query)}`)
      })

    for (const format of ['', 'xml'])
      it(`an unknown output format, and lists the known ones: ${JSON.stringify(format)}`, async () => {
        const message = await refusal(...ALICE, '--output', format)
        expect(message).to.include('--output').and.include(JSON.stringify(format))
        for (const known of ['json', 'text', 'table', 'yaml', 'yaml-stream', 'env', 'url', 'pgpass'])
          expect(message).to.include(known)
      })

    for (const flags of [
      ['--query', 'DbUser'],
      ['--generate-cli-skeleton', 'output'],
    ])
      it(`a connection format with ${flags[0]}`, async () => {
        expect(await refusal(...ALICE, ...flags, '--output', 'env'))
          .to.include(flags[0])
          .and.include('--output env')
      })

    it('a connection format without a database', async () => {
      const message = await cli.refusal(['credentials', ...ALICE, '--output', 'env'], { PGDATABASE: undefined })
      for (const named of ['--output env', '--db-name', 'PGDATABASE']) expect(message).to.include(named)
    })

    for (const flag of ['--no-sign-request', '--cli-auto-prompt'])
      it(`a flag of the AWS CLI that is not supported: ${flag}`, async () => {
        expect(await refusal(...ALICE, flag)).to.include(flag)
      })

    for (const [flag, known] of [
      ['--clusterId', '--cluster-identifier'],
      ['--workgroups', '--workgroup-name'],
      ['--dbuser=bob', '--db-user'],
      ['--regoin', '--region'],
    ] as const)
      it(`an unknown flag, and names the nearest known one: ${flag}`, async () => {
        expect(await refusal(flag, 'x')).to.include(known)
      })
  })
})
