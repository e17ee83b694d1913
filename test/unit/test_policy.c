#include "kmod/lifecycle/policy.h"

#include <CUnit/Basic.h>
#include <string.h>

#include "base/cleanup.h"
#include "test/unit/run_suites.h"

static void check(const struct policy_facts *facts, enum policy_action action, const char *reason,
                  bool install) {
    struct policy_decision decision = policy_decide(facts);
    CU_ASSERT_EQUAL(decision.action, action);
    CU_ASSERT_STRING_EQUAL(decision.reason, reason);
    CU_ASSERT_EQUAL(decision.install, install);
}

/* In the order in which they decide. */
static const struct {
    struct policy_facts facts;
    enum policy_action action;
    const char *reason;
    bool install;
} single[] = {
    {{.no_marker = true}, POLICY_NOTHING, "no_marker", false},
    {{.marker_refused = true}, POLICY_NOTHING, "marker_refused", false},
    {{.not_gpu_node = true}, POLICY_TEARDOWN, "not_gpu_node", false},
    {{.skip_driver = true}, POLICY_TEARDOWN, "skip_driver", false},
    {{.teardown_begun = true}, POLICY_TEARDOWN, "teardown_begun", true},
    {{.marker_damaged = true}, POLICY_TEARDOWN, "damaged", true},
    {{.kind_differs = true}, POLICY_TEARDOWN, "kind_differs", true},
    {{.version_differs = true}, POLICY_TEARDOWN, "version_differs", true},
    {{.kernel_differs = true}, POLICY_TEARDOWN, "kernel_differs", true},
    {{.arch_differs = true}, POLICY_TEARDOWN, "arch_differs", true},
    {{.symvers_differ = true}, POLICY_TEARDOWN, "symvers_differ", true},
    {{.gpu_unsupported = true}, POLICY_TEARDOWN, "gpu_unsupported", true},
    {{.damaged = true}, POLICY_TEARDOWN, "damaged", true},
    {{.inactive = true}, POLICY_ACTIVATE, "matches", false},
    {{0}, POLICY_KEEP, "matches", false},
};

static void test_each_row_alone(void) {
    for (size_t i = 0; i < ARRAY_SIZE(single); i++)
        check(&single[i].facts, single[i].action, single[i].reason, single[i].install);
}

static bool has(const struct policy_facts *facts, size_t byte) {
    return ((const unsigned char *)facts)[byte];
}

/* Whatever two facts are true, the upper row decides. */
static void test_the_upper_row_decides(void) {
    CU_ASSERT_EQUAL(sizeof(struct policy_facts), ARRAY_SIZE(single) - 1);
    for (size_t upper = 0; upper < ARRAY_SIZE(single); upper++)
        for (size_t lower = upper + 1; lower < ARRAY_SIZE(single); lower++) {
            struct policy_facts both = single[upper].facts;
            for (size_t byte = 0; byte < sizeof both; byte++)
                ((unsigned char *)&both)[byte] |= has(&single[lower].facts, byte);
            check(&both, single[upper].action, single[upper].reason, single[upper].install);
        }
}

/* Nothing but a node that wants a driver, and not this one, is told to install one. */
static void test_install(void) {
    for (unsigned bits = 0; bits < 1U << sizeof(struct policy_facts); bits++) {
        struct policy_facts facts;
        for (size_t byte = 0; byte < sizeof facts; byte++)
            ((unsigned char *)&facts)[byte] = bits >> byte & 1;
        struct policy_decision decision = policy_decide(&facts);
        bool wants = !facts.not_gpu_node && !facts.skip_driver;
        bool keeps = decision.action == POLICY_KEEP || decision.action == POLICY_ACTIVATE;
        if ((decision.install && !wants) || (decision.install && keeps) ||
            (decision.action == POLICY_TEARDOWN && decision.install != wants))
            CU_FAIL("install in full");
    }
}

static void test_kinds(void) {
    static const struct {
        const char *type, *kind;
    } types[] = {{"cuda", "cuda"}, {"cuda-lts", "cuda"}, {"grid", "grid"}, {"grid-v20", "grid"},
                 {"", ""},         {NULL, ""},           {"CUDA", ""},     {"rocm", ""},
                 {" cuda", ""}};
    for (size_t i = 0; i < ARRAY_SIZE(types); i++)
        CU_ASSERT_STRING_EQUAL(policy_kind(types[i].type), types[i].kind);
}

static void test_action_names(void) {
    CU_ASSERT_STRING_EQUAL(policy_action_name(POLICY_NOTHING), "none");
    CU_ASSERT_STRING_EQUAL(policy_action_name(POLICY_KEEP), "keep");
    CU_ASSERT_STRING_EQUAL(policy_action_name(POLICY_ACTIVATE), "activate");
    CU_ASSERT_STRING_EQUAL(policy_action_name(POLICY_TEARDOWN), "teardown");
}

int main(void) {
    CU_TestInfo tests[] = {
        {"each row alone", test_each_row_alone},
        {"the upper row decides", test_the_upper_row_decides},
        {"install", test_install},
        {"kinds", test_kinds},
        {"action names", test_action_names},
        CU_TEST_INFO_NULL,
    };
    CU_SuiteInfo suites[] = {
        {.pName = "policy", .pTests = tests},
        CU_SUITE_INFO_NULL,
    };
    return run_suites(suites);
}
