"""Secrets of every known form, made up, and texts that only look like some.

Put together from halves, so that nothing that scans repositories takes them for real.
"""

A20 = "a1B2c3D4e5F6g7H8i9J0"
A40 = A20 * 2
KEY_LINE = "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7" + "VJTUt9Us8cKj"
KEY_BLOCK = "\n".join(
    ("-----BEGIN " + "PRIVATE KEY-----", KEY_LINE, KEY_LINE[::-1], "q8Zt4w==", "-----END X-----")
)

# What stands around the secret, and the secret.
SECRETS: dict[str, tuple[str, str]] = {
    "openai": ("key {}", "sk-" + "proj-" + A40),
    "anthropic": ("x={}", "sk-" + "ant-api03-" + A40),
    "openrouter": ("{}", "sk-" + "or-v1-" + A40),
    "github": ("token {} ok", "gh" + "p_" + A40),
    "github app": ("({})", "gh" + "s_" + A40),
    "github, fine-grained": ("{}", "github" + "_pat_" + A20 + "_" + A40),
    "gitlab": ("{}", "glp" + "at-" + A20),
    "aws id": ("id {},", "AK" + "IAIOSFODNN7REALKEY"),
    "aws secret": ('aws_secret_access_key = "{}"', "wJalrXUtnFEMI/K7MDENG/bPxRfiCYz" + "k81QZ9pLm"),
    "slack": ("{}", "xo" + "xb-123456789012-" + A20),
    "slack hook": ("https://hooks.slack" + ".com/services/{}", "T00000000/B00000000/" + A20),
    "google": ("?key={}&x=1", "AI" + "za" + A20 + "abcdefghijklm-_"),
    "stripe": ("{}", "sk" + "_live_" + A20),
    "npm": ("//packages.test/:_authToken={}", "np" + "m_" + A20 + "abcdefghijklmnop"),
    "pypi": ("{}", "py" + "pi-" + A40 + A20),
    "hugging face": ("{}", "h" + "f_" + A40),
    "groq": ("{}", "gs" + "k_" + A40),
    "nvidia": ("{}", "nv" + "api-" + A40),
    "xai": ("{}", "xa" + "i-" + A40),
    "sendgrid": ("{}", "S" + "G." + A20 + "." + A40),
    "digitalocean": ("{}", "do" + "p_v1_" + "0123456789abcdef" * 4),
    "vault": ("{}", "hv" + "s." + A40),
    "age": ("{}", "AGE-SECRET" + "-KEY-1" + "A1B2C3D4E5" * 5 + "A1B2C3D4"),
    "codegen": ("{}", "c" + "g_" + A40 + "abc"),
    "jwt": ("cookie={};", "ey" + "JhbGciOiJIUzI1NiJ9." + "ey" + "JzdWIiOiIxMjM0In0." + A20),
    "bearer": ("Authorization: Bearer {}", "f7" + A20),
    "basic": ("authorization: Basic {}", "dXNlcjpwYXNzd29yZDE="),
    "postgres": ("postgresql://ada:{}@db.internal/x", "s3cr3tpw"),
    "redis": ("redis://:{}@localhost:6379/0", "hunter22"),
    "env": ("export DB_PASSWORD={}", "tr0ub4dor&3".replace("&", "-")),
    "yaml": ("  password: {}", "tr0ub4dor-3"),
    "json": ('{{"apiKey": "{}"}}', "9f8e7d6c5b4a3210"),
    "python": ("client = connect(token='{}')", "Zx81-Qp72-Lm93"),
    "ini": ("passwd = {}", "c0rrect-h0rse"),
    "rails": ("SECRET_KEY_BASE={}", "0a1b2c3d4e5f60718293a4b5c6d7e8f9"),
    "azure": ("AccountKey={}", "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsu"),
    "capital": ("API_KEY_2: {}", "q7w8e9r0t1y2"),
}

HARMLESS: tuple[str, ...] = (
    "a commit 3f2a9c1b7d8e4f5061728394a5b6c7d8e9f00112",
    "uuid 123e4567-e89b-12d3-a456-426614174000",
    '"integrity": "sha512-' + A40 + A40 + '=="',
    "tokenizers==0.13.3 --hash=sha256:" + "0123456789abcdef" * 4,
    '"js-tokens": "^3.0.0 || ^4.0.0",',
    "data:image/png;base64,iVBORw0KGgo" + A40 * 20 + "==",
    "password = os.environ['DB_PASSWORD']",
    "token = get_token(user)",
    "token: str | None = None",
    "api_key=settings.api_key,",
    "password=password",
    'password = "changeme-please"',
    "API_KEY=your-api-key-here",
    "secret: ${{ secrets.DEPLOY_KEY }}",
    "SECRET_FILE=/run/secrets/db_password_1",
    "token_type: bearer-token-type",
    "postgresql://user:password@localhost/db",
    "https://example.com:8443/path?x=1@2",
    "git@github.com:org/repo.git",
    "max_tokens: 128000000",
    "class='sk-folding-cube-container-large'",
    "the task-management-and-planning-2024-edition",
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI" + A20 + " ada@host",
    "-----BEGIN CERTIFICATE-----\n" + KEY_LINE + "\n-----END CERTIFICATE-----",
    'if line == "-----BEGIN PRIVATE KEY-----":\n    found = parse_private_key(line)\n    return',
    "eyJhbGciOiJIUzI1NiJ9 is half of one",
    "AKIA is how an id begins; ghp_ too, and hf_transformers",
    "Bearer tokens are described in section 4",
    "the password: none",
    "Bearer authentication-is-described, Basic authentication too",
    "compass: north-by-2-north-west",
    'primary_key="customer_id_2"',
    "<Key=ArrowDown-1x2>",
    "monkey = 'tail-12-long'",
    "const SECRET_NAMES = new Set(['a'])",
)
