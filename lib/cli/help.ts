/** Help by hand: each fits into a terminal of 24 lines and 80 columns, which a generated list of all flags does not. */
export const HELP = {
  main: `Usage: pg-redshift-iam <command> [flags]

Temporary IAM logins for Amazon Redshift, at a terminal.

Commands
  check          find out why a login does not work, step by step
  credentials    print a login, as the AWS CLI does, or for psql and other tools
  exec           run a command with a login in its environment
  emulate        run a local Redshift for tests, alone or around a command

Flags
  --help         this text, or that of a command
  --version      the version

Examples
  pg-redshift-iam check --host $HOST --db-name dev
  pg-redshift-iam credentials --workgroup-name analytics --region us-west-2
  pg-redshift-iam exec --host $HOST --db-name dev -- psql -c 'select 1'

HOST is the cluster's own name, which says target and region:
  examplecluster.abc123xyz789.us-west-2.redshift.amazonaws.com
`,
  check: `Usage: pg-redshift-iam check [flags]

Goes through all that a login needs, and says where it fails and what helps:
target, region, credentials, api, clock, network, tls, login, session, expiry.

Target     --host NAME, or --cluster-identifier ID or --workgroup-name NAME with
           --region R; --custom-domain-name NAME  --port N
Login      --db-name NAME  --db-user NAME  --db-groups NAME...
           --[no-]auto-create  --duration-seconds 900..3600
           --identity-center (a token of the person, no user)
AWS        --profile NAME  --endpoint-url URL  --ca-bundle FILE  --no-verify-ssl
           --cli-connect-timeout S  --cli-read-timeout S
Output     --json  --color on|off|auto  --debug
Variables  PGHOST PGHOSTADDR (a tunnel) PGPORT PGDATABASE PGUSER PGSSLROOTCERT
           and the AWS SDK's: AWS_PROFILE, AWS_REGION, AWS_ENDPOINT_URL ...

Exit code  0 all passed, 2 wrong flags; the first step that failed: target 10,
           region 11, credentials 12, api 13, clock 14, network 15, tls 16,
           login 17, session 18, expiry 19

Example    pg-redshift-iam check --host $HOST --db-name dev --json
`,
  credentials: `Usage: pg-redshift-iam credentials [flags]

Prints a temporary login, with the flags and the output of the AWS CLI's
redshift get-cluster-credentials and redshift-serverless get-credentials.

Target   --host NAME, or --cluster-identifier ID or --workgroup-name NAME with
         --region R; --custom-domain-name NAME  --port N
Login    --db-user NAME  --db-name NAME  --db-groups NAME...  --[no-]auto-create
         --duration-seconds 900..3600
AWS      --profile NAME  --endpoint-url URL  --ca-bundle FILE  --no-verify-ssl
         --cli-connect-timeout S  --cli-read-timeout S  --debug
Input    --cli-input-json JSON  --cli-input-yaml YAML   (or file://NAME)
         --generate-cli-skeleton [input|yaml-input|output]
Output   --output json|text|table|yaml|yaml-stream, or env|url|pgpass for libpq
         --query JMESPATH  --color on|off|auto  --version
No use   --no-paginate --no-cli-pager --cli-binary-format F --no-cli-auto-prompt

Examples
  pg-redshift-iam credentials --workgroup-name analytics --query dbPassword
  eval "$(pg-redshift-iam credentials --host $HOST --db-name dev --output env)"
  pg-redshift-iam credentials --host $HOST --output pgpass > ~/.pgpass
`,
  exec: `Usage: pg-redshift-iam exec [flags] -- <command> [arguments]

Runs a command that finds a temporary login in its environment, and nowhere
else: PGHOST PGPORT PGDATABASE PGUSER PGPASSWORD PGSSLMODE PGSSLROOTCERT.

Target   --host NAME, or --cluster-identifier ID or --workgroup-name NAME with
         --region R; --custom-domain-name NAME  --port N
Login    --db-name NAME  --db-user NAME  --db-groups NAME...  --[no-]auto-create
         --duration-seconds 900..3600
AWS      --profile NAME  --endpoint-url URL  --ca-bundle FILE  --no-verify-ssl
         --cli-connect-timeout S  --cli-read-timeout S  --debug

The certificate is verified against Amazon's roots, or those in PGSSLROOTCERT;
--ca-bundle is for AWS. Signals go to the command (on a terminal SIGINT and
SIGQUIT by its keys alone), and its exit code comes back; 125: no login, 126:
the command cannot be run, 127: there is no such command.

Examples
  pg-redshift-iam exec --host $HOST --db-name dev -- psql
  PGHOSTADDR=127.0.0.1 pg-redshift-iam exec --host $HOST --db-name dev -- psql
  pg-redshift-iam exec --host $HOST --db-name dev -- pg_dump -t sales
`,
  emulate: `Usage: pg-redshift-iam emulate [flags] [-- <command> [arguments]]

Runs a local Redshift: PostgreSQL with TLS, and AWS's API that hands out logins.
Without a command it prints what to set, and runs until Ctrl-C. With one, the
command finds everything in its environment, and its exit code comes back.

Targets  --hosts NAME...  --custom-domains NAME=TARGET...  --databases NAME...
Logins   --lifetime-seconds N (5 or more)  --users NAME...  --identity IAMR:ROLE
         --next-refresh-seconds N|none  --same-password-seconds N
         --authentication cleartext|md5|digest
Server   --redshift-dialect  --postgres URL (its password in PGPASSWORD)
         --port N  --aws-port N  --listen-address 127.0.0.1|0.0.0.0
Faults   --fail KIND[,FIELD=VALUE...]   --control [--control-port N]: change
         faults by HTTP, with the token in REDSHIFT_EMULATOR_CONTROL_TOKEN
Output   --json  --debug

Examples
  pg-redshift-iam emulate --lifetime-seconds 10 -- npm test
  pg-redshift-iam emulate --fail throttling,times=3 -- pytest
  pg-redshift-iam emulate --port 5439 --json
`,
} as const
