#include "registry/readers.hpp"

#include "registry/sqlite.hpp"

namespace drover {

Readers::Readers(const std::string& file) {
    for (auto& sql : all_) {
        connect(sql, file);
        sql << "PRAGMA query_only = ON";
        idle_.lock()->push_back(&sql);
    }
}

Readers::Loan::Loan(Readers& readers) : readers_(readers) {
    readers_.free_.acquire();
    auto idle = readers_.idle_.lock();
    sql_ = idle->back();
    idle->pop_back();
}

Readers::Loan::~Loan() {
    readers_.idle_.lock()->push_back(sql_);
    readers_.free_.release();
}

}  // namespace drover
