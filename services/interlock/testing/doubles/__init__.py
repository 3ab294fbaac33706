"""Services with one guard removed, each a module that runs in the place of the real one.

A trial that is passed with a double in a guard's place shows nothing about that guard; so each drill has twins that must fail. A
double is the real service, with its keys, settings and topics: one function of it is replaced in its own process, before it starts.
No setting leads here; a trial names the module.

    credulous_gateway     believes every change that is signed by decision's key
    tireless_gateway      goes on after lease and grace have ended
    obliging_gateway      asks the primary where the safe state was ordered
    wayward_gateway       asks the last rung of the ladder, whichever was ordered
    backward_decision     takes the last rung that may be entered, not the first
    impatient_decision    leaves a model before a trigger has lasted for as long as the policy says
    boundless_*           decision, gateway or command line: asks no lattice
    unquestioning_*       decision or command line: asks no evidence
    restless_decision     stays with a failed model rather than take the safe state
    wordless_decision     orders without saying why, or what it verified
    contented_monitor     finds no model slow, and none faulty
    boastful_notifier     signs receipts for notices that it never sent
    sleeping_watch        finds that everybody was told in time

One is no twin, but the world gone wrong around a service:

    beset                 any service, whose clock is set by hand, or one of whose consumers hangs, as files say
"""
