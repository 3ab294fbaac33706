"""What the report says in every run."""

METHOD = (
    (
        "The drill founds a deployment of its own and runs it as any deployment runs: every service is a process with its own key, the "
        "records stand on the broker named above, agents ask the gateway over HTTP, and models are servers that answer over HTTP. "
        "The tests share it and run at the same time; then 8.7 kills the notifier, and last of all 8.4 kills decision: whatever agent is still "
        "served then ends in its safe state, and its picture with it."
    ),
    (
        "What is done to it is done from outside only: a model's server fails or turns slow, an agent sends a request, a signed document "
        "is put on a topic, a person types a command, a process is killed. What counts as evidence was seen from outside only: what the "
        "models' servers and the governance function's webhooks received, what agents were answered, and the signed records on the topics. "
        "No service is asked how it went, and nothing waits for a duration."
    ),
    (
        "A change lists its checks with it: those of the model that it goes to, which all passed, and those of the models that were left or "
        "passed over, of which those that failed are the reason. So `46 of 47 passed` is a model that may be used, in place of one of which "
        "one check failed. A change to a safe state without a model shows failed checks alone; one that is ordered needs none. "
        "`tools ⊑ primary` is the check that a model has no more tools than the primary."
    ),
    (
        "An unapproved model takes part in every test. It is registered, validated for another agent, quicker than all others and never "
        "fails; the gateway holds its credential; and every tenth request of every agent asks for it by name. In no test may one request "
        "of a drilled agent reach it."
    ),
    (
        "The wording of the standard's tests is not public. What each test asks here is our reading of their titles and of clauses 4.1 to "
        "4.9; it stands at the head of each test, so that a reader can judge it."
    ),
    (
        "Each test has twins, which run with Interlock's own tests: the same test with one guard of one service removed. A twin must fail, "
        "for the reason that the guard stands for."
    ),
)

AGAIN = (
    "Run it before a release is taken into production, after every change of the broker or of the network between the services, and as "
    "often as your own rules ask for evidence, at least once in a quarter. It takes two minutes and twice the notification deadline, needs "
    "Java 17 and Maven if it is to start a Kafka broker itself, and touches no deployment but its own:"
)

NOT_SHOWN = (
    "That the models themselves are good: whether evidence of validation is true is the validator's to say, and not tested here.",
    (
        "That your policies are what you want: the drill's policies are its own. `interlock policy check`, `coverage` and `simulate` are "
        "for yours."
    ),
    "That the machine's clock is right. Times are the machine's own; everything ran on one machine.",
    (
        "What happens when the broker is away, when machines are cut off from each other, or under load: Interlock's own tests, exploration "
        "and benches deal with these. What happens when one of several brokers is lost for good is tested nowhere yet."
    ),
    "That the keys of production are kept well: the drill plays every part, and so holds every key of its own deployment.",
    "That a person of the governance function read a notice. `Accepted` says that the receiver took it.",
    "An expected duration rests on incidents that are over. A deployment as young as this one has few, and says so.",
)

VERIFY = (
    (
        "Each digest is the record's identity: SHA-256 over the DSSE pre-authentication encoding of its payload's type and bytes, which is "
        "what was signed. It does not depend on the signatures, nor on how the broker stored the record."
    ),
    (
        "A broker that the drill starts for itself ends with it, and the records with the broker: then this page is what remains. To have "
        "them looked at again, give it a broker that goes on, and keep its folder with the trust root: `--bootstrap HOST:PORT --keep DIR`. "
        "In `DIR/deployment`, `interlock audit replay` verifies every signature of the log and decides every step again."
    ),
)
