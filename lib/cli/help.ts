/** Written by hand to fit a terminal of 24 lines and 80 columns. A generated list of all flags would not fit. */
export const HELP = {
  main: `Usage: pg-redshift-iam <command> [flags]

Temporary IAM logins for Amazon Redshift.

Commands
  check          find out why a login fails, step by step
  credentials    print a login as the AWS CLI does, or for psql and other tools
  exec           run a command with a login in its environment
  emulate        run a local Redshift for tests, alone or with a command

Flags
  --help         show this help, or that of a command
  --version      show the version

Examples
  pg-redshift-iam check --host $HOST --db-name dev
  pg-redshift-iam credentials --workgroup-name analytics --region us-west-2
  pg-redshift-iam exec --host $HOST --db-name dev -- psql -c 'select 1'

HOST is the cluster's own host name, which contains the target and the region:
  examplecluster.abc123xyz789.us-west-2.redshift.amazonaws.com
`,
  check: `Usage: pg-redshift-iam check [flags]

Checks every step of a login, and reports what fails and what to do. The steps:
target, region, credentials, api, clock, network, tls, login, session, expiry.

Target     --host NAME, or --cluster-identifier ID or --workgroup-name NAME with
           --region R; --custom-domain-name NAME  --port N
Login      --db-name NAME  --db-user NAME  --db-groups NAME...
           --[no-]auto-create  --duration-seconds 900..3600
           --identity-center (use the person's token)
AWS        --profile NAME  --endpoint-url URL  --ca-bundle FILE  --no-verify-ssl
           --cli-connect-timeout S  --cli-read-timeout S
Output     --json  --color on|off|auto  --debug
Variables  PGHOST PGHOSTADDR (a tunnel) PGPORT PGDATABASE PGUSER PGSSLROOTCERT
           and those of the AWS SDK, such as AWS_PROFILE and AWS_REGION

Exit code  0 all passed, 2 wrong flags, or that of the first step that failed:
           target 10, region 11, credentials 12, api 13, clock 14, network 15,
           tls 16, login 17, session 18, expiry 19

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
Ignored  --no-paginate --no-cli-pager --cli-binary-format F --no-cli-auto-prompt

Examples
  pg-redshift-iam credentials --workgroup-name analytics --query dbPassword
  eval "$(pg-redshift-iam credentials --host $HOST --db-name dev --output env)"
  (umask 077; pg-redshift-iam credentials --host $HOST --output pgpass \\
    > redshift.pgpass) && export PGPASSFILE=redshift.pgpass
`,
  exec: `Usage: pg-redshift-iam exec [flags] -- <command> [arguments]

Runs a command with a temporary login in its environment:
PGHOST PGPORT PGDATABASE PGUSER PGPASSWORD PGSSLMODE PGSSLROOTCERT.

Target   --host NAME, or --cluster-identifier ID or --workgroup-name NAME with
         --region R; --custom-domain-name NAME  --port N
Login    --db-name NAME  --db-user NAME  --db-groups NAME...  --[no-]auto-create
         --duration-seconds 900..3600
AWS      --profile NAME  --endpoint-url URL  --ca-bundle FILE  --no-verify-ssl
         --cli-connect-timeout S  --cli-read-timeout S  --debug

The certificate must be from Amazon's roots or those in NODE_EXTRA_CA_CERTS, or
from those in PGSSLROOTCERT; --ca-bundle is for AWS. Signals are passed on to
the command, except SIGINT and SIGQUIT on a terminal, which sends them to the
command itself. The exit code is that of the command; 125: no login,
126: not executable, 127: not found.

Examples
  pg-redshift-iam exec --host $HOST --db-name dev -- psql
  PGHOSTADDR=127.0.0.1 pg-redshift-iam exec --host $HOST --db-name dev -- psql
  pg-redshift-iam exec --host $HOST --db-name dev -- pg_dump -t sales
`,
  emulate: `Usage: pg-redshift-iam emulate [flags] [-- <command> [arguments]]

Runs a local Redshift: PostgreSQL with TLS, and the AWS API for logins.
Without a command, it prints variables to set, and runs until Ctrl-C. With a
command, it sets them for the command, and exits with the command's code.

Targets  --hosts NAME...  --custom-domains NAME=TARGET...  --databases NAME...
Logins   --lifetime-seconds N (5 or more)  --users NAME...  --identity IAMR:ROLE
         --next-refresh-seconds N|none  --same-password-seconds N
         --authentication cleartext|md5|digest
Server   --redshift-dialect  --postgres URL (its password in PGPASSWORD)
         --port N  --aws-port N  --listen-address 127.0.0.1|0.0.0.0
Faults   --fail KIND[,FIELD=VALUE...]   --control [--control-port N] (change
         faults by HTTP, with the token in REDSHIFT_EMULATOR_CONTROL_TOKEN)
Output   --json  --debug

Examples
  pg-redshift-iam emulate --lifetime-seconds 10 -- npm test
  pg-redshift-iam emulate --fail throttling,times=3 -- pytest
  pg-redshift-iam emulate --port 5439 --json
`,
} as const
